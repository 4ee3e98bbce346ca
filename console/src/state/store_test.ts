import { describe, expect, it } from 'vitest';
import { Domain } from './domain';
import { Collection, type Changes } from './store';

function collection() {
  const flushes: (() => void)[] = [];
  const rows = new Collection<{ id: string; n: number }>((row) => row.id, (flush) => flushes.push(flush));
  const told: (string[] | 'all')[] = [];
  rows.subscribe((changes: Changes) => told.push(changes === 'all' ? 'all' : [...changes]));
  return { rows, told, frame: () => flushes.splice(0).forEach((flush) => flush()) };
}

describe('Collection', () => {
  it('tells once for each frame what changed', () => {
    const { rows, told, frame } = collection();
    rows.put({ id: 'a', n: 1 });
    rows.put({ id: 'a', n: 2 });
    rows.put({ id: 'b', n: 1 });
    expect(told).toEqual([]);
    frame();
    expect(told).toEqual([['a', 'b']]);
    expect(rows.version).toBe(1);
    frame();
    expect(told).toHaveLength(1);
  });
  it('patches what is there, and what is not is left', () => {
    const { rows } = collection();
    expect(rows.patch('a', (row) => ({ ...row, n: 2 }))).toBe(false);
    rows.put({ id: 'a', n: 1 });
    expect(rows.patch('a', (row) => ({ ...row, n: 2 }))).toBe(true);
    expect(rows.get('a')).toEqual({ id: 'a', n: 2 });
  });
  it('does not tell of a patch that changes nothing', () => {
    const { rows, told, frame } = collection();
    rows.put({ id: 'a', n: 1 });
    frame();
    rows.patch('a', (row) => row);
    frame();
    expect(told).toHaveLength(1);
  });
  it('gives the same array until something changes', () => {
    const { rows } = collection();
    rows.putAll([{ id: 'a', n: 1 }, { id: 'b', n: 1 }]);
    const before = rows.values();
    expect(rows.values()).toBe(before);
    rows.remove('a');
    expect(rows.values()).toEqual([{ id: 'b', n: 1 }]);
  });
  it('says that all changed when everything is replaced, or very much', () => {
    const { rows, told, frame } = collection();
    rows.replace([{ id: 'a', n: 1 }]);
    frame();
    for (let n = 0; n < 3000; n += 1) rows.put({ id: String(n), n });
    frame();
    expect(told).toEqual(['all', 'all']);
    expect(rows.get('a')).toBeDefined();
  });
});

it('a domain keeps the newest events only', () => {
  const domain = new Domain((flush) => flush());
  domain.remember(Array.from({ length: 2500 }, (_, i) => ({ position: String(i) })));
  expect(domain.events.size).toBe(2000);
  expect(domain.events.get('499')).toBeUndefined();
  expect(domain.events.get('2499')).toBeDefined();
});
