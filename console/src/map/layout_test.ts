import { describe, expect, it } from 'vitest';
import { layout, mercator } from './layout';

const distance = (a: { x: number; y: number } | undefined, b: { x: number; y: number } | undefined) =>
  a && b ? Math.hypot(a.x - b.x, a.y - b.y) : NaN;

describe('mercator', () => {
  it('keeps longitude and stretches latitude', () => {
    expect(mercator(0, 120)).toEqual({ x: 120, y: expect.closeTo(0) });
    expect(mercator(60, 0).y).toBeCloseTo(75.456, 2);
  });
  it('bounds the poles', () => expect(mercator(90, 0).y).toBe(mercator(85, 0).y));
});

describe('layout', () => {
  const cities = [
    { id: 'street', latitude: 30.259, longitude: 120.13 },
    { id: 'metro', latitude: 30.185, longitude: 120.265 },
    { id: 'hub', latitude: 26.41, longitude: 106.52 },
    { id: 'router' },
  ];
  const links = [['street', 'router'], ['metro', 'router'], ['router', 'hub'], ['gone', 'hub']] as [string, string][];

  it('is the same each time', () => expect([...layout(cities, links)]).toEqual([...layout(cities, links)]));

  it('parts neighbours that would hide one another and leaves east in the east', () => {
    const at = layout(cities, links);
    expect(distance(at.get('street'), at.get('metro'))).toBeGreaterThan(0.5);
    expect(at.get('hub')?.x).toBeLessThan(at.get('street')?.x ?? NaN);
  });

  it('places what has no coordinates among its neighbours', () => {
    const x = layout(cities, links).get('router')?.x ?? NaN;
    expect(x).toBeGreaterThan(105);
    expect(x).toBeLessThan(122);
  });

  it('places everything where nothing has coordinates, apart', () => {
    const ring = Array.from({ length: 12 }, (_, i) => ({ id: `v${i}` }));
    const at = layout(ring, ring.map((vertex, i) => [vertex.id, `v${(i + 1) % 12}`]));
    expect(at.size).toBe(12);
    for (const a of ring) for (const b of ring) if (a !== b) expect(distance(at.get(a.id), at.get(b.id))).toBeGreaterThan(0.1);
  });

  it('takes two of one place, one alone and none', () => {
    const twins = layout([{ id: 'a', latitude: 1, longitude: 1 }, { id: 'b', latitude: 1, longitude: 1 }], []);
    expect(distance(twins.get('a'), twins.get('b'))).toBeGreaterThan(0);
    expect(layout([{ id: 'a' }], []).size).toBe(1);
    expect(layout([], []).size).toBe(0);
  });
});
