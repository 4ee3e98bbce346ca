import { describe, expect, it } from 'vitest';
import type { Link, Plan } from '../api/types';
import { edgeOf, hopsOf, instancesOf, loadOf, nearestEdge, nearestVertex, routesOf, topologyOf } from './topology';

const link = (name: string, a: string, b: string, status: Link['status'] = {}): Link => ({
  metadata: { name }, spec: { between: [a, b] },
  status: { bandwidth_bps: '1000000000', forward: { up: true }, backward: { up: true }, ...status },
});
const topology = topologyOf(
  [{ metadata: { name: 'a' }, spec: { place: { latitude: '0', longitude: '0' } }, status: { state: 'up' } },
    { metadata: { name: 'c' }, spec: { place: { latitude: '0', longitude: '20' } }, status: { state: 'down' } }],
  [{ metadata: { name: 'b' } }],
  [link('ab', 'a', 'b'), link('bc', 'b', 'c'), link('ac', 'a', 'c')],
);
const plan: Plan = {
  position: '7', tenant: 't', intent: 'i', state: 'active', placements: [{ site: 'c' }, { site: 'c' }],
  flows: [{ ingress: 'a', site: 'c', path: ['ab', 'bc'], protection: ['ac'] }, { ingress: 'a', site: 'c', path: ['ab', 'bc'] },
    { ingress: 'c', site: 'c' }],
};

describe('topology', () => {
  it('reads load of the busier direction', () => {
    expect(loadOf(link('x', 'a', 'b', { forward: { bandwidth_bps_reserved: '250000000' }, backward: { bandwidth_bps_reserved: '900000000' } }))).toBe(0.9);
    expect(loadOf({ metadata: { name: 'x' } })).toBe(0);
  });
  it('reads the state of both directions', () => {
    expect(edgeOf(link('x', 'a', 'b', { backward: { up: false } })).state).toBe('half');
    expect(edgeOf(link('x', 'a', 'b', { forward: {}, backward: {} })).state).toBe('down');
  });
  it('walks links in either direction, as far as they are known', () => {
    expect(hopsOf('c', ['bc', 'ab'], topology.edges)).toEqual(['c', 'b', 'a']);
    expect(hopsOf('a', ['ab', 'gone'], topology.edges)).toEqual(['a', 'b']);
    expect(hopsOf('a', ['bc'], topology.edges)).toEqual(['a']);
  });
  it('draws what flows over one way once, and over the protection path while it is used', () => {
    expect(routesOf([plan], topology).map((route) => [route.points.length, route.streams])).toEqual([[3, 2]]);
    const moved = { ...plan, flows: [{ ...plan.flows?.[0], on_protection: true }] };
    expect(routesOf([moved], topology)[0]?.points).toHaveLength(2);
    expect(routesOf([{ ...plan, state: 'retiring' }], topology)).toEqual([]);
  });
  it('counts instances of active plans', () => expect([...instancesOf([plan, { ...plan, state: 'retiring' }])]).toEqual([['c', 2]]));
  it('finds what is near a point', () => {
    expect(nearestEdge({ x: 10, y: 0 }, 5, topology)).toBeDefined();
    expect(nearestEdge({ x: 10, y: 80 }, 5, topology)).toBeUndefined();
    expect(nearestVertex({ x: 20.1, y: 0 }, 1, topology)?.name).toBe('c');
  });
});
