/**
 * What can be chosen for the perceptron. Without the library, so that the page reads it without loading that.
 */
import { choiceField, integerField, listField, numberField, type Fields } from './fields.js'

export interface MlpSettings {
  readonly data: 'circles' | 'moons' | 'spirals' | 'xor'
  readonly noise: number
  readonly hidden: readonly number[]
  readonly activation: 'tanh' | 'relu' | 'gelu' | 'silu' | 'sigmoid'
  readonly rate: number
  readonly seed: number
}

export const DATA: readonly (readonly [value: MlpSettings['data'], name: string])[] = [
  ['circles', 'Circles'], ['moons', 'Two moons'], ['spirals', 'Spirals'], ['xor', 'XOR']
]
export const ACTIVATIONS: readonly MlpSettings['activation'][] = ['tanh', 'relu', 'gelu', 'silu', 'sigmoid']
export const RATES: readonly number[] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
/** The plane that is drawn reaches so far to each side. */
export const REACH = 1.25
/** Points of the grid on a side, and of the small maps of neurons. */
export const GRID = 64
export const SMALL = 32
export const MOST_LAYERS = 4
export const WIDEST = 10

export const MLP_FIELDS: Fields<MlpSettings> = {
  data: choiceField('circles', DATA.map(([value]) => value)),
  noise: numberField(0.05, 0, 0.5),
  hidden: listField([6, 4], MOST_LAYERS, integerField(6, 1, WIDEST)),
  activation: choiceField('tanh', ACTIVATIONS),
  rate: numberField(0.01, 0.00001, 10),
  seed: integerField(1, 0, 999_999)
}
