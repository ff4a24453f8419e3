declare module 'asciichart' {
  export interface PlotConfig {
    readonly height?: number
    readonly min?: number
    readonly max?: number
    readonly format?: (value: number) => string
    readonly colors?: readonly (string | undefined)[]
  }
  export const plot: (series: readonly number[] | readonly (readonly number[])[], config?: PlotConfig) => string
}
