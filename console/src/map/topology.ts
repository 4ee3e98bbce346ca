import type { Flow, Link, Plan, Router, Site } from '../api/types';
import { linkState } from '../state/reducer';
import { layout, type Point } from './layout';

export interface Vertex extends Point {
  name: string;
  kind: 'site' | 'router';
  tier: string;
  state: string;
}

export interface Edge {
  name: string;
  a: string;
  b: string;
  state: string;
  load: number;       // of the busier direction, 0 to 1
  capacity: number;   // bit/s
}

export interface Topology {
  vertices: Map<string, Vertex>;
  edges: Map<string, Edge>;
}

export interface Route {
  intent: string;     // tenant/name
  points: Point[];
  streams: number;
  onProtection: boolean;
}

const coordinate = (text: string | undefined): number => Number(text ?? '0');

export function loadOf(link: Link): number {
  const capacity = Number(link.status?.bandwidth_bps ?? '0');
  if (capacity <= 0) return 0;
  const used = (bps: string | undefined) => Number(bps ?? '0') / capacity;
  return Math.max(used(link.status?.forward?.bandwidth_bps_reserved), used(link.status?.backward?.bandwidth_bps_reserved));
}

export const edgeOf = (link: Link): Edge => ({
  name: link.metadata.name,
  a: link.spec?.between?.[0] ?? '',
  b: link.spec?.between?.[1] ?? '',
  state: linkState(link),
  load: loadOf(link),
  capacity: Number(link.status?.bandwidth_bps ?? '0'),
});

export function topologyOf(sites: readonly Site[], routers: readonly Router[], links: readonly Link[]): Topology {
  const place = (spec: { place?: { latitude?: string; longitude?: string } } | undefined) =>
    spec?.place === undefined ? {} : { latitude: coordinate(spec.place.latitude), longitude: coordinate(spec.place.longitude) };
  const edges = new Map<string, Edge>();
  for (const link of links) edges.set(link.metadata.name, edgeOf(link));
  const at = layout(
    [...sites, ...routers].map((row) => ({ id: row.metadata.name, ...place(row.spec) })),
    [...edges.values()].map((edge) => [edge.a, edge.b] as const),
  );
  const vertices = new Map<string, Vertex>();
  for (const router of routers) {
    const name = router.metadata.name;
    vertices.set(name, { ...(at.get(name) as Point), name, kind: 'router', tier: '', state: 'up' });
  }
  for (const site of sites) {
    const name = site.metadata.name;
    vertices.set(name, { ...(at.get(name) as Point), name, kind: 'site', tier: site.spec?.tier ?? '', state: site.status?.state ?? 'unknown' });
  }
  return { vertices, edges };
}

// The vertices along links, from the one that traffic enters at; it ends early where a link is not known.
export function hopsOf(ingress: string, links: readonly string[], edges: ReadonlyMap<string, Edge>): string[] {
  const hops = [ingress];
  let here = ingress;
  for (const name of links) {
    const edge = edges.get(name);
    if (edge === undefined || (edge.a !== here && edge.b !== here)) break;
    here = edge.a === here ? edge.b : edge.a;
    hops.push(here);
  }
  return hops;
}

export function pointsOf(hops: readonly string[], vertices: ReadonlyMap<string, Vertex>): Point[] {
  return hops.map((hop) => vertices.get(hop)).filter((vertex) => vertex !== undefined);
}

export function flowHops(flow: Flow, edges: ReadonlyMap<string, Edge>): string[] {
  const used = (flow.on_protection ? flow.protection : flow.path) ?? [];
  return hopsOf(flow.ingress ?? '', used, edges);
}

// What active plans send, and over which way now. Flows of one intent over one way are drawn as one.
export function routesOf(plans: readonly Plan[], topology: Topology): Route[] {
  const routes = new Map<string, Route>();
  for (const plan of plans) {
    if (plan.state !== 'active') continue;
    for (const flow of plan.flows ?? []) {
      const hops = flowHops(flow, topology.edges);
      if (hops.length < 2) continue;
      const intent = `${plan.tenant ?? ''}/${plan.intent ?? ''}`;
      const key = `${intent} ${hops.join(' ')}`;
      const known = routes.get(key);
      if (known !== undefined) known.streams += 1;
      else routes.set(key, { intent, points: pointsOf(hops, topology.vertices), streams: 1, onProtection: flow.on_protection ?? false });
    }
  }
  return [...routes.values()];
}

// Instances at each site, of active plans.
export function instancesOf(plans: readonly Plan[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const plan of plans) {
    if (plan.state !== 'active') continue;
    for (const placement of plan.placements ?? []) {
      if (placement.site !== undefined) counts.set(placement.site, (counts.get(placement.site) ?? 0) + 1);
    }
  }
  return counts;
}

// The edge nearest to a point, if it is within reach.
export function nearestEdge(point: Point, reach: number, topology: Topology): string | undefined {
  let best: string | undefined;
  let least = reach;
  for (const edge of topology.edges.values()) {
    const a = topology.vertices.get(edge.a);
    const b = topology.vertices.get(edge.b);
    if (a === undefined || b === undefined) continue;
    const x = b.x - a.x;
    const y = b.y - a.y;
    const square = x * x + y * y;
    const along = square === 0 ? 0 : Math.max(0, Math.min(1, ((point.x - a.x) * x + (point.y - a.y) * y) / square));
    const distance = Math.hypot(point.x - a.x - along * x, point.y - a.y - along * y);
    if (distance < least) {
      least = distance;
      best = edge.name;
    }
  }
  return best;
}

export function nearestVertex(point: Point, reach: number, topology: Topology): Vertex | undefined {
  let best: Vertex | undefined;
  let least = reach;
  for (const vertex of topology.vertices.values()) {
    const distance = Math.hypot(point.x - vertex.x, point.y - vertex.y);
    if (distance < least) {
      least = distance;
      best = vertex;
    }
  }
  return best;
}
