// Copies of rows, and what is added to rows in passing.

export function move(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes)
}

export function zero(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes)
}

/** y = x + r, where r is read from `begin` on and again after n numbers, a multiple of four; in pieces of four entries. */
export function addRepeated(y: usize, x: usize, row: usize, begin: i32, n: i32, from: i32, to: i32, _: usize): void {
  const period = n / 4
  row += 4 * begin
  for (let i = from; i < to; ) {
    let at = i % period
    for (const end = min(to, i + period - at); i < end; i++, at++)
      v128.store(y + 16 * i, f32x4.add(v128.load(x + 16 * i), v128.load(row + 16 * at)))
  }
}

export function gatherRows(y: usize, table: usize, ids: usize, n: i32, from: i32, to: i32, _: usize): void {
  for (let i = from; i < to; i++) memory.copy(y + 4 * i * n, table + 4 * load<i32>(ids + 4 * i) * n, 4 * n)
}

/** Adds row i of dy to row ids[i] of a table of zeros, in pieces of sixteen columns. */
export function scatterAddRows(table: usize, dy: usize, ids: usize, rows: i32, count: i32, n: i32, from: i32, to: i32, _: usize): void {
  const begin = 16 * from, width = min(n, 16 * to) - begin
  if (width == n) memory.fill(table, 0, 4 * rows * n)
  else for (let row = 0; row < rows; row++) memory.fill(table + 4 * (row * n + begin), 0, 4 * width)
  dy += 4 * begin; table += 4 * begin
  for (let i = 0; i < count; i++, dy += 4 * n) {
    const y = table + 4 * load<i32>(ids + 4 * i) * n
    let j = 0
    for (; j + 4 <= width; j += 4) v128.store(y + 4 * j, f32x4.add(v128.load(y + 4 * j), v128.load(dy + 4 * j)))
    for (; j < width; j++) store<f32>(y + 4 * j, load<f32>(y + 4 * j) + load<f32>(dy + 4 * j))
  }
}

/** Copies pieces of `width` numbers from `[batch, time, parts, heads]` to `[batch, heads, time]` of each part, one or three; one item and head a piece. */
export function splitHeads(
  first: usize, second: usize, third: usize, merged: usize, heads: i32, time: i32, width: i32, parts: i32, from: i32, to: i32, _: usize
): void {
  for (let piece = from; piece < to; piece++) {
    const b = piece / heads, h = piece % heads
    for (let t = 0; t < time; t++)
      for (let part = 0; part < parts; part++) {
        const split = part == 0 ? first : part == 1 ? second : third
        memory.copy(split + 4 * (piece * time + t) * width, merged + 4 * (((b * time + t) * parts + part) * heads + h) * width, 4 * width)
      }
  }
}

/** The inverse, for one part or three. */
export function mergeHeads(
  merged: usize, first: usize, second: usize, third: usize, heads: i32, time: i32, width: i32, parts: i32, from: i32, to: i32, _: usize
): void {
  for (let piece = from; piece < to; piece++) {
    const b = piece / heads, h = piece % heads
    for (let t = 0; t < time; t++)
      for (let part = 0; part < parts; part++) {
        const split = part == 0 ? first : part == 1 ? second : third
        memory.copy(merged + 4 * (((b * time + t) * parts + part) * heads + h) * width, split + 4 * (piece * time + t) * width, 4 * width)
      }
  }
}

/** For each item, `first` numbers of a and then `second` numbers of b. */
export function appendRows(y: usize, a: usize, b: usize, first: i32, second: i32, from: i32, to: i32, _: usize): void {
  for (let item = from; item < to; item++) {
    const at = y + 4 * item * (first + second)
    memory.copy(at, a + 4 * item * first, 4 * first)
    memory.copy(at + 4 * first, b + 4 * item * second, 4 * second)
  }
}

/** n numbers and zeros behind them. */
export function padRows(y: usize, x: usize, n: i32, total: i32, from: i32, to: i32, _: usize): void {
  if (from == to) return
  memory.copy(y, x, 4 * n)
  memory.fill(y + 4 * n, 0, 4 * (total - n))
}

/** From each item of `stride` numbers, n numbers from `begin` on. */
export function copyRows(y: usize, x: usize, begin: i32, stride: i32, n: i32, from: i32, to: i32, _: usize): void {
  for (let item = from; item < to; item++) memory.copy(y + 4 * item * n, x + 4 * (item * stride + begin), 4 * n)
}

/** Every matrix with rows and columns exchanged. */
export function transpose(y: usize, x: usize, rows: i32, columns: i32, from: i32, to: i32, _: usize): void {
  for (let item = from; item < to; item++) {
    const base = 4 * item * rows * columns
    for (let j = 0, at = y + base; j < columns; j++)
      for (let i = 0, source = x + base + 4 * j; i < rows; i++, at += 4, source += 4 * columns) store<f32>(at, load<f32>(source))
  }
}
