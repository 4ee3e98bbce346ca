import { microsecondsOf } from '../../format/time';

export const PERIODS = ['hour', 'day', 'week', 'month', 'custom'] as const;
export type PeriodName = (typeof PERIODS)[number];

const HOUR_MS = 3_600_000;
const SPANS: Record<Exclude<PeriodName, 'custom'>, number> = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS, month: 720 * HOUR_MS };

export interface Period {
  from: number;   // milliseconds since the Unix epoch
  to: number;
}

// "2026-11-22T18:00" as an input of the browser gives it, in its own time zone.
const local = (text: string | undefined): number => (text === undefined ? NaN : new Date(text).getTime());

export function periodOf(name: string | undefined, from: string | undefined, to: string | undefined, now: number): Period | undefined {
  const known = PERIODS.find((period) => period === name) ?? 'day';
  if (known !== 'custom') return { from: now - SPANS[known], to: now };
  const period = { from: local(from), to: Math.min(local(to), now) };
  return period.from < period.to ? period : undefined;
}

// The period in so many equal parts, in microseconds; together they are exactly the whole.
export function parts({ from, to }: Period, count: number): { from: string; to: string }[] {
  const edges = Array.from({ length: count + 1 }, (_, i) => microsecondsOf(from + Math.round(((to - from) * i) / count)));
  return edges.slice(1).map((edge, i) => ({ from: edges[i] as string, to: edge }));
}
