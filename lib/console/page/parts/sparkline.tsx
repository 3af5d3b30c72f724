interface SparklineProps {
  readonly values: readonly (number | null)[]
  readonly label: string
  readonly width?: number
  readonly height?: number
  /** Drawn as bars: for what happens now and then, such as commits. */
  readonly bars?: boolean
}

/** The course of a number, from nought to its highest; gaps where it was not known. */
export function Sparkline({ values, label, width = 160, height = 36, bars = false }: SparklineProps) {
  const known = values.filter(value => value !== null)
  const highest = Math.max(...known, 0)
  const y = (value: number) => height - 2 - (highest === 0 ? 0 : (value / highest) * (height - 6))
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {bars ? (
        <Bars values={values} {...{ y, width, height }} />
      ) : (
        <Line values={values} {...{ y, width, height }} />
      )}
    </svg>
  )
}

interface Scale {
  readonly values: readonly (number | null)[]
  readonly y: (value: number) => number
  readonly width: number
  readonly height: number
}

function Line({ values, y, width, height }: Scale) {
  const x = (at: number) => (values.length < 2 ? width : (at / (values.length - 1)) * width)
  const runs: string[][] = [[]]
  values.forEach((value, at) => {
    if (value === null) runs.push([])
    else runs.at(-1)!.push(`${x(at).toFixed(1)},${y(value).toFixed(1)}`)
  })
  return (
    <>
      {runs
        .filter(run => run.length > 1)
        .map(run => {
          const [from, to] = [run[0]!.split(',')[0], run.at(-1)!.split(',')[0]]
          return (
            <g key={run[0]}>
              <polygon class="area" points={`${from},${height} ${run.join(' ')} ${to},${height}`} />
              <polyline points={run.join(' ')} vector-effect="non-scaling-stroke" />
            </g>
          )
        })}
    </>
  )
}

function Bars({ values, y, width, height }: Scale) {
  const step = width / Math.max(values.length, 1)
  return (
    <>
      {values.map((value, at) =>
        value === null ? null : (
          <rect
            key={at}
            x={at * step}
            y={y(value)}
            width={Math.max(step * 0.72, 0.6)}
            height={Math.max(height - y(value), 1)}
          />
        ),
      )}
    </>
  )
}
