import { describe, expect, it } from 'vitest';
import { owedByIntent, totalOf } from './bill_lines';
import { parts, periodOf } from './period';

const NOW = 1_795_374_000_000;

describe('periods', () => {
  it('end now', () => expect(periodOf('hour', undefined, undefined, NOW)).toEqual({ from: NOW - 3_600_000, to: NOW }));
  it('are a day where none is named', () => expect(periodOf('age', undefined, undefined, NOW)).toEqual({ from: NOW - 86_400_000, to: NOW }));
  it('are none where they end before they begin', () => {
    expect(periodOf('custom', '2026-11-02T00:00', '2026-11-01T00:00', NOW)).toBeUndefined();
    expect(periodOf('custom', undefined, undefined, NOW)).toBeUndefined();
  });
  it('do not go beyond now', () => expect(periodOf('custom', '2026-11-01T00:00', '2027-11-01T00:00', NOW)?.to).toBe(NOW));
  it('fall into parts that touch', () => {
    const cut = parts({ from: 1000, to: 2000 }, 3);
    expect(cut.map((part) => part.from)).toEqual(['1000000', '1333000', '1667000']);
    expect(cut.at(-1)?.to).toBe('2000000');
    for (let i = 1; i < cut.length; i += 1) expect(cut[i]?.from).toBe(cut[i - 1]?.to);
  });
});

describe('bills', () => {
  const bills = [
    { tenant: 'a', total_nanocredits: '9007199254740995', lines: [{ intent: 'x', amount_nanocredits: '9007199254740993' }, { intent: 'y', amount_nanocredits: '2' }] },
    { tenant: 'b', total_nanocredits: '3', lines: [{ intent: 'x', amount_nanocredits: '3' }] },
  ];
  it('add up without loss', () => expect(totalOf(bills)).toBe(9_007_199_254_740_998n));
  it('part intents of one name by tenant, the most first', () =>
    expect(owedByIntent(bills).map((row) => [row.tenant, row.intent, row.nano])).toEqual([['a', 'x', 9_007_199_254_740_993n], ['b', 'x', 3n], ['a', 'y', 2n]]));
  it('of nothing are nothing', () => expect([totalOf([]), owedByIntent([{}])]).toEqual([0n, []]));
});
