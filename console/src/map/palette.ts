import type { Edge, Vertex } from './topology';

export interface Palette {
  background: string;
  label: string;
  grid: string;
  router: string;
  site: Record<string, string>;
  link: Record<string, string>;
  load: readonly [string, string, string];
  flow: string;
  flowProtection: string;
  selected: string;
  mark: string;
}

// Blue to orange tells load to those who do not part red from green; what is down also has a cross.
export const LIGHT: Palette = {
  background: '#f6f9fa', label: '#1c2529', grid: '#e3eaed', router: '#8a99a3',
  site: { up: '#0b6b75', draining: '#b4690e', down: '#c2253b', unknown: '#8895a0' },
  link: { down: '#c2253b', half: '#b4690e' },
  load: ['#9db8c4', '#3f7fb5', '#d9730d'],
  flow: '#0b6b75', flowProtection: '#d9730d', selected: '#7a2fd0', mark: '#c2253b',
};

export const DARK: Palette = {
  background: '#10171b', label: '#e4ecef', grid: '#1d272d', router: '#6f808b',
  site: { up: '#3fb6c2', draining: '#e5a54b', down: '#ff6b7d', unknown: '#8695a0' },
  link: { down: '#ff6b7d', half: '#e5a54b' },
  load: ['#3d525e', '#4f9bd9', '#f2913d'],
  flow: '#7fe3ec', flowProtection: '#f2913d', selected: '#c79bff', mark: '#ff6b7d',
};

export function siteColour(vertex: Vertex, palette: Palette): string {
  if (vertex.kind === 'router') return palette.router;
  return palette.site[vertex.state] ?? palette.site.unknown ?? palette.router;
}

// A name beside its vertex, with an edge that parts it from the lines it crosses.
export function drawLabel(context: CanvasRenderingContext2D, text: string, x: number, y: number, palette: Palette): void {
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = palette.background;
  context.strokeText(text, x, y);
  context.fillStyle = palette.label;
  context.fillText(text, x, y);
}

export const LOAD_STEPS = [0.3, 0.6] as const;

export function linkColour(edge: Edge, palette: Palette): string {
  const broken = palette.link[edge.state];
  if (broken !== undefined) return broken;
  return edge.load >= LOAD_STEPS[1] ? palette.load[2] : edge.load >= LOAD_STEPS[0] ? palette.load[1] : palette.load[0];
}

// Capacities differ by powers of ten: 100 Mbit/s is drawn thin, 100 Gbit/s thick.
export function linkWidth(edge: Edge): number {
  if (edge.capacity <= 0) return 1;
  return Math.max(0.8, Math.min(6, (Math.log10(edge.capacity) - 7) * 1.1));
}

export function vertexSize(vertex: Vertex, count: number): number {
  const base = count > 2000 ? 2.2 : count > 300 ? 4 : 8;
  if (vertex.kind === 'router') return base * 0.55;
  return vertex.tier === 'cloud' ? base * 1.25 : vertex.tier === 'end' ? base * 0.8 : base;
}
