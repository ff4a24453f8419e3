/**
 * Parameter trees: plain records and arrays whose leaves are tensors. A leaf has a *path*, its keys joined by
 * dots (`h.0.attn.c_attn.weight`), which is its name in a checkpoint.
 *
 * The functions take any type `P` and return the same one: a tree is rebuilt key by key, so its type does not
 * change. TypeScript cannot follow that through a recursion over keys, which is the one reason for the `as`
 * in this file.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { add as addTensors } from '../tensor/algebra.js'
import { arrays, check, functions, isPlain, show } from '../tensor/domain.js'
import { briefShape, quoted } from '../tensor/foreign.js'
import { isTensor, precisionOf, type Tensor, zerosLike } from '../tensor/tensor.js'
import { sameShape } from '../tensor/shape.js'
import { checkEntries } from './entries.js'

export type Entry = readonly [path: string, leaf: Tensor]

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/**
 * The children of a node by key. Throws `TypeError` for what is neither a plain record nor an array: a `Map` or an instance of
 * a class would come back as another kind of value, and what calls itself a tensor without being one is no record of tensors.
 */
const childrenOf = (node: unknown, path: string): readonly (readonly [string, unknown])[] => {
  if (!Array.isArray(node) && (!isPlain(node) || typeof node._tag === 'string'))
    throw new TypeError(`tree: expected a tensor, a plain record or an array at "${path}", got ${show(node)}`)
  return Object.entries(node)
}

const rebuild = (node: unknown, children: readonly (readonly [string, unknown])[]): unknown =>
  Array.isArray(node) ? children.map(([, child]) => child) : Object.fromEntries(children)

const mapNode = (f: (leaf: Tensor, path: string) => Tensor, node: unknown, path: string): unknown =>
  isTensor(node)
    ? f(node, path)
    : rebuild(node, childrenOf(node, path).map(([key, child]) => [key, mapNode(f, child, join(path, key))]))

/**
 * Applies a function to every leaf.
 * Throws `TypeError` if the tree holds something that is not a tensor, a record or an array.
 *
 * @example
 * const halved = tree.map(tensor.scale(0.5))({ weight: tensor.of([2, 4]) })
 * tensor.toArray(halved.weight) // [1, 2]
 *
 * @category functor
 */
export const map = (f: (leaf: Tensor, path: string) => Tensor): (<P>(tree: P) => P) => {
  check('tree.map', 'f', functions, f)
  return <P>(tree: P): P => mapNode(f, tree, '') as P
}

/** Throws `TypeError` if a node is of another kind than the first one. */
const checkKind = (first: unknown, node: unknown, path: string): void => {
  if (isTensor(first) === isTensor(node) && Array.isArray(first) === Array.isArray(node)) return
  const kind = isTensor(first) ? 'a tensor' : Array.isArray(first) ? 'an array' : 'a record'
  throw new TypeError(`tree: expected ${kind} at "${path}", got ${show(node)}`)
}

/** Throws `TypeError` if a node does not have the keys of the first one; the sentence names the key. */
const checkKeys = (wanted: ReadonlyMap<string, unknown>, found: ReadonlyMap<string, unknown>, path: string): void => {
  for (const key of wanted.keys()) if (!found.has(key)) throw new TypeError(`tree: missing key "${key}" at "${path}"`)
  for (const key of found.keys()) if (!wanted.has(key)) throw new TypeError(`tree: unexpected key "${key}" at "${path}"`)
}

const zipNodes = (
  f: (leaves: readonly Tensor[], path: string) => Tensor, nodes: readonly unknown[], path: string
): unknown => {
  if (nodes.every(isTensor)) return f(nodes, path)
  for (const node of nodes) checkKind(nodes[0], node, path)
  const children = nodes.map(node => new Map(childrenOf(node, path)))
  for (const found of children) checkKeys(children[0], found, path)
  const keys = Array.from(children[0].keys())
  return rebuild(nodes[0], keys.map(key => [key, zipNodes(f, children.map(of => of.get(key)), join(path, key))]))
}

const checkZip = (operation: string, trees: readonly unknown[], f: unknown): void => {
  check(operation, 'trees', arrays, trees)
  if (trees.length === 0) throw new RangeError(`${operation}: expected trees to be at least one, got none`)
  check(operation, 'f', functions, f)
}

/**
 * Combines the leaves of any number of trees path by path, at least one.
 * Throws `TypeError` if the trees differ in their keys, and names the first key that is missing or not expected.
 *
 * @example
 * const a = { w: tensor.of([1]) }, b = { w: tensor.of([2]) }, c = { w: tensor.of([3]) }
 * tensor.toArray(tree.zipAll([a, b, c], leaves => leaves.reduce((x, y) => tensor.add(y)(x))).w) // [6]
 *
 * @category functor
 */
export const zipAll = <P>(
  trees: readonly [P, ...P[]], f: (leaves: readonly Tensor[], path: string) => Tensor
): P => {
  checkZip('tree.zipAll', trees, f)
  return zipNodes(f, trees, '') as P
}

/**
 * Combines the leaves of any number of trees path by path into several trees at once: `f` gives a leaf for each name.
 * Throws `TypeError` if the trees differ in their keys, and names the first key that is missing or not expected.
 *
 * @category functor
 */
export const zipInto = <P, N extends string>(
  names: readonly N[], trees: readonly [P, ...P[]], f: (leaves: readonly Tensor[], path: string) => Readonly<Record<N, Tensor>>
): Readonly<Record<N, P>> => {
  check('tree.zipInto', 'names', arrays, names)
  checkZip('tree.zipInto', trees, f)
  const results = new Map<Tensor, Readonly<Record<N, Tensor>>>()
  // A new object marks each place: two leaves may be one tensor, and keys with dots may make two paths the same.
  const places = zipAll(trees, (leaves, path) => {
    const place = { ...leaves[0] }
    results.set(place, f(leaves, path))
    return place
  })
  const treeOf = (name: N): P => map(place => results.get(place)?.[name] ?? place)(places)
  // A record with the given names, which `fromEntries` does not say.
  return Object.fromEntries(names.map(name => [name, treeOf(name)])) as Record<N, P>
}

/**
 * Combines the leaves of two trees path by path; the first tree is the last argument.
 * Throws `TypeError` if the trees differ in their keys, and names the first key that is missing or not expected.
 *
 * @example
 * const params = { w: tensor.of([1, 2]) }, gradient = { w: tensor.of([10, 20]) }
 * tensor.toArray(tree.zipWith(gradient, (p, g) => tensor.subtract(tensor.scale(0.1)(g))(p))(params).w) // [0, 0]
 *
 * @category functor
 */
export const zipWith = <P>(other: P, f: (a: Tensor, b: Tensor, path: string) => Tensor): ((tree: P) => P) => {
  check('tree.zipWith', 'f', functions, f)
  return tree => zipAll([tree, other], ([a, b], path) => f(a, b, path))
}

const entriesOf = (node: unknown, path: string): readonly Entry[] =>
  isTensor(node)
    ? [[path, node]]
    : childrenOf(node, path).flatMap(([key, child]) => entriesOf(child, join(path, key)))

/**
 * Every leaf with its path, in the order of the keys.
 *
 * @example
 * tree.flatten({ h: [{ bias: tensor.of([0]) }] }).map(([path]) => path) // ['h.0.bias']
 *
 * @category conversions
 */
export const flatten = (tree: unknown): readonly Entry[] => entriesOf(tree, '')

/**
 * A tree with the keys of `like` and the leaves of a flat list: the inverse of `flatten`. The left side is a
 * sentence that names the first leaf that is missing, not asked for, there twice, or of another shape or precision.
 *
 * @example
 * const like = { bias: tensor.zeros([2]) }
 * pipe(tree.unflatten(like)([['bias', tensor.of([1, 2])]]), E.map(({ bias }) => tensor.toArray(bias))) // E.right([1, 2])
 * tree.unflatten(like)([]) // E.left('tensor "bias" is missing')
 *
 * @category conversions
 */
export const unflatten = <P>(like: P) => (entries: readonly Entry[]): E.Either<string, P> => {
  checkEntries('tree.unflatten', entries)
  const leaves = new Map(entries)
  const twice = entries.find(([path], i) => leaves.size < entries.length && entries.findIndex(([other]) => other === path) < i)
  if (twice !== undefined) return E.left(`tensor "${twice[0]}" occurs twice`)
  const expected = flatten(like)
  const names = new Set(expected.map(([path]) => path))
  for (const [path, leaf] of expected) {
    const found = leaves.get(path)
    if (found === undefined) return E.left(`tensor "${path}" is missing`)
    if (!sameShape(found.shape, leaf.shape) || precisionOf(found) !== precisionOf(leaf))
      return E.left(
        `tensor "${path}" is ${precisionOf(found)} ${briefShape(found.shape)}, expected ${precisionOf(leaf)} [${leaf.shape.join(', ')}]`)
  }
  const surplus = entries.find(([path]) => !names.has(path))
  if (surplus !== undefined) return E.left(`tensor ${quoted(surplus[0])} has no place among the parameters`)
  return E.right(map((leaf, path) => leaves.get(path) ?? leaf)(like))
}

/**
 * Folds over every leaf from the left.
 *
 * @example
 * tree.reduce(0, (largest, leaf) => Math.max(largest, ...tensor.toArray(leaf)))({ a: tensor.of([1, 5]), b: tensor.of([3]) }) // 5
 *
 * @category folds
 */
export const reduce = <A>(initial: A, f: (accumulated: A, leaf: Tensor, path: string) => A): ((tree: unknown) => A) => {
  check('tree.reduce', 'f', functions, f)
  return tree => flatten(tree).reduce((accumulated, [path, leaf]) => f(accumulated, leaf, path), initial)
}

/**
 * The number of real numbers in a tree.
 *
 * @example
 * tree.count({ weight: tensor.zeros([2, 3]), bias: tensor.zeros([3]) }) // 9
 *
 * @category folds
 */
export const count: (tree: unknown) => number = reduce(0, (total, leaf) => total + leaf.data.length)

/**
 * $a + b$, leaf by leaf. The gradient of a batch is the sum of the gradients of its parts.
 *
 * @example
 * tensor.toArray(tree.add({ w: tensor.of([1]) })({ w: tensor.of([2]) }).w) // [3]
 *
 * @category gradients
 */
export const add = <P>(b: P) => (a: P): P => zipWith(b, (x, y) => addTensors(y)(x))(a)

/**
 * The zero gradient for the given parameters.
 *
 * @example
 * tensor.toArray(tree.zeros({ w: tensor.of([1, 2]) }).w) // [0, 0]
 *
 * @category gradients
 */
export const zeros: <P>(tree: P) => P = map(zerosLike)

/**
 * Gradients with the keys, shapes and precision of the given parameters form a monoid under addition, up to rounding
 * and to the sign of zero.
 *
 * @example
 * const { concat, empty } = tree.getMonoid({ w: tensor.of([1, 2]) })
 * tensor.toArray(concat(empty, { w: tensor.of([3, 4]) }).w) // [3, 4]
 *
 * @category instances
 */
export const getMonoid = <P>(like: P): Monoid<P> => ({
  concat: (a, b) => add(b)(a),
  empty: zeros(like)
})
