// Money is whole nanocredits (1e-9 credit) in 64 bits, as text in JSON. It is never a floating-point number here, but for charts.

const NANO = 1_000_000_000n;

export function nanocredits(text: string | undefined): bigint {
  return text === undefined || text === '' ? 0n : BigInt(text);
}

function grouped(whole: bigint): string {
  return whole.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

// Every digit that there is: "0.228061", "-1,234.5". Both languages write figures so.
export function credits(value: bigint | string | undefined): string {
  const nano = typeof value === 'bigint' ? value : nanocredits(value);
  const size = nano < 0n ? -nano : nano;
  const fraction = (size % NANO).toString().padStart(9, '0').replace(/0+$/, '');
  return `${nano < 0n ? '-' : ''}${grouped(size / NANO)}${fraction === '' ? '' : `.${fraction}`}`;
}

// For sums in headings: two decimals, rounded half up; of less than one hundredth four digits that count.
export function creditsShort(value: bigint | string | undefined): string {
  const nano = typeof value === 'bigint' ? value : nanocredits(value);
  const size = nano < 0n ? -nano : nano;
  let decimals = 2;
  if (size > 0n && size < NANO) {
    const digits = size.toString().length;  // 1 to 9: figures after the point that are not leading zeros
    decimals = Math.min(9, 9 - digits + 4);
  }
  const unit = 10n ** BigInt(9 - decimals);
  const rounded = ((size + unit / 2n) / unit) * unit;
  return credits(nano < 0n ? -rounded : rounded);
}

// What prices multiply: thousandths of a unit as text.
export function milli(value: string | undefined): string {
  const whole = BigInt(value ?? '0');
  const size = whole < 0n ? -whole : whole;
  const fraction = (size % 1000n).toString().padStart(3, '0').replace(/0+$/, '');
  return `${whole < 0n ? '-' : ''}${grouped(size / 1000n)}${fraction === '' ? '' : `.${fraction}`}`;
}

// Credits for the axis of a chart, where the sixteenth digit does not show.
export function creditsForChart(nano: bigint): number {
  return Number(nano) / 1e9;
}
