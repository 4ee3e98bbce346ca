// Quantities of the API in the unit that a person reads. Each takes a whole number as text or number; undefined is nought, since
// JSON leaves defaults out.
type Quantity = string | number | undefined;

const number = (value: Quantity): number => (value === undefined ? 0 : Number(value));

function short(value: number, digits = 3): string {
  if (value === 0) return '0';
  return String(Number(value.toPrecision(Math.max(digits, Math.floor(Math.log10(Math.abs(value))) + 1))));
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  while (Math.abs(value) >= base && unit + 1 < units.length) {
    value /= base;
    unit += 1;
  }
  return `${short(value)} ${units[unit] ?? ''}`;
}

export const bandwidth = (bps: Quantity): string => scaled(number(bps), 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);
export const bytes = (value: Quantity): string => scaled(number(value), 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
export const memory = (mib: Quantity): string => scaled(number(mib), 1024, ['MiB', 'GiB', 'TiB']);
export const cores = (milli: Quantity): string => short(number(milli) / 1000, 4);
export const latency = (us: Quantity): string => scaled(number(us), 1000, ['µs', 'ms', 's']);
export const energy = (microjoule: Quantity): string => scaled(number(microjoule) / 3.6e6, 1000, ['mWh', 'Wh', 'kWh', 'MWh']);
export const power = (milliwatt: Quantity): string => scaled(number(milliwatt), 1000, ['mW', 'W', 'kW', 'MW']);
export const carbon = (milligram: Quantity): string => scaled(number(milligram), 1000, ['mg', 'g', 'kg', 't']);
export const percent = (ppm: Quantity): string => `${short(number(ppm) / 10_000)} %`;

// A span in its two largest units: "2 h 5 min".
export function duration(us: Quantity): string {
  const value = number(us);
  if (value < 1_000_000) return latency(value);
  const seconds = Math.round(value / 1e6);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

// A name as it fits a label; the whole name is in the list and the details.
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
