import type { Point } from './layout';
import type { Palette } from './palette';
import type { Renderer } from './renderer';
import type { Route, Topology } from './topology';

export interface OverlayContent {
  topology: Topology;
  routes: readonly Route[];
  instances: ReadonlyMap<string, number>;
  selectedVertex: string | undefined;
  selectedEdge: string | undefined;
  selectedIntent: string | undefined;
  ways: readonly { points: readonly Point[]; dashed: boolean }[];
}

// Beyond these, a map that shows everything shows nothing: the rest appears when an intent is chosen or the view is nearer.
const ROUTES_MAX = 300;
const MARKS_MAX = 1500;
const BADGES_FROM_PX = 14;   // between neighbours, as the middle of the view has them
const DOT_SPEED_PX = 70;     // a second
const FRAME_MS = 33;

// A transparent canvas above the topology: what moves, what is selected, and what must not be told by colour alone.
export class Overlay {
  private readonly canvas = document.createElement('canvas');
  private content: OverlayContent | undefined;
  private frame = 0;
  private drawnAt = 0;

  constructor(
    private readonly container: HTMLElement,
    private readonly renderer: () => Renderer | undefined,
    private palette: Palette,
    private still: boolean,
  ) {
    this.canvas.className = 'map-overlay';
    this.canvas.setAttribute('aria-hidden', 'true');
    container.append(this.canvas);
  }

  setContent(content: OverlayContent): void {
    this.content = content;
    this.schedule();
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.schedule();
  }

  setStill(still: boolean): void {
    this.still = still;
    this.schedule();
  }

  // The view moved: everything stands elsewhere.
  schedule = (): void => {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.tick);
  };

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.canvas.remove();
  }

  private tick = (now: number): void => {
    this.frame = 0;
    if (now - this.drawnAt >= FRAME_MS || this.still) {
      this.drawnAt = now;
      this.draw(now);
      if (!this.still && this.moving().length > 0) this.schedule();
    } else this.schedule();
  };

  private moving(): readonly Route[] {
    const content = this.content;
    if (content === undefined) return [];
    const { selectedIntent } = content;
    const chosen = selectedIntent === undefined ? content.routes : content.routes.filter((route) => route.intent === selectedIntent);
    return chosen.length > ROUTES_MAX ? chosen.slice(0, ROUTES_MAX) : chosen;
  }

  private draw(now: number): void {
    const content = this.content;
    const renderer = this.renderer();
    const context = this.canvas.getContext('2d');
    if (content === undefined || renderer === undefined || context === null) return;
    const { clientWidth: width, clientHeight: height } = this.container;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.lineCap = 'round';
    context.lineJoin = 'round';
    const inView = (point: Point) => point.x > -20 && point.y > -20 && point.x < width + 20 && point.y < height + 20;

    for (const way of content.ways) this.line(context, way.points.map((point) => renderer.project(point)), this.palette.selected, 3, way.dashed);
    for (const route of this.moving()) {
      const points = route.points.map((point) => renderer.project(point));
      if (!points.some(inView)) continue;
      const colour = route.onProtection ? this.palette.flowProtection : this.palette.flow;
      const chosen = content.selectedIntent === route.intent;
      context.globalAlpha = chosen ? 0.9 : 0.35;
      this.line(context, points, colour, chosen ? 3 : 1.5, route.onProtection);
      context.globalAlpha = 1;
      this.dots(context, points, colour, this.still ? 0 : now, Math.min(4, route.streams));
    }
    this.marks(context, renderer, content, inView);
    this.selection(context, renderer, content);
    this.badges(context, renderer, content, inView);
  }

  private line(context: CanvasRenderingContext2D, points: readonly Point[], colour: string, width: number, dashed: boolean): void {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dashed ? [6, 6] : []);
    context.beginPath();
    points.forEach((point, i) => (i === 0 ? context.moveTo(point.x, point.y) : context.lineTo(point.x, point.y)));
    context.stroke();
    context.setLineDash([]);
  }

  private dots(context: CanvasRenderingContext2D, points: readonly Point[], colour: string, now: number, count: number): void {
    const lengths: number[] = [];
    let whole = 0;
    for (let i = 1; i < points.length; i += 1) {
      const a = points[i - 1] as Point;
      const b = points[i] as Point;
      const length = Math.hypot(b.x - a.x, b.y - a.y);
      lengths.push(length);
      whole += length;
    }
    if (whole < 8) return;
    context.fillStyle = colour;
    for (let dot = 0; dot < count; dot += 1) {
      let along = ((now / 1000) * DOT_SPEED_PX + (dot * whole) / count + whole * 0.1) % whole;
      for (let i = 0; i < lengths.length; i += 1) {
        const length = lengths[i] as number;
        if (along > length) {
          along -= length;
          continue;
        }
        const a = points[i] as Point;
        const b = points[i + 1] as Point;
        const share = length === 0 ? 0 : along / length;
        context.beginPath();
        context.arc(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share, 3.5, 0, 2 * Math.PI);
        context.fill();
        break;
      }
    }
  }

  // Crosses on what is down, rings on what drains: the same without colours.
  private marks(context: CanvasRenderingContext2D, renderer: Renderer, content: OverlayContent, inView: (point: Point) => boolean): void {
    let drawn = 0;
    context.lineWidth = 2.5;
    const cross = (at: Point, size: number) => {
      context.strokeStyle = this.palette.mark;
      context.beginPath();
      context.moveTo(at.x - size, at.y - size);
      context.lineTo(at.x + size, at.y + size);
      context.moveTo(at.x + size, at.y - size);
      context.lineTo(at.x - size, at.y + size);
      context.stroke();
      drawn += 1;
    };
    for (const edge of content.topology.edges.values()) {
      if (edge.state === 'up' || drawn > MARKS_MAX) continue;
      const a = content.topology.vertices.get(edge.a);
      const b = content.topology.vertices.get(edge.b);
      if (a === undefined || b === undefined) continue;
      const at = renderer.project({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
      if (inView(at)) cross(at, edge.state === 'down' ? 6 : 4);
    }
    for (const vertex of content.topology.vertices.values()) {
      if (drawn > MARKS_MAX) break;
      if (vertex.state !== 'down' && vertex.state !== 'draining') continue;
      const at = renderer.project(vertex);
      if (!inView(at)) continue;
      if (vertex.state === 'down') cross(at, 8);
      else {
        context.strokeStyle = this.palette.site.draining ?? this.palette.mark;
        context.setLineDash([3, 3]);
        context.beginPath();
        context.arc(at.x, at.y, 13, 0, 2 * Math.PI);
        context.stroke();
        context.setLineDash([]);
        drawn += 1;
      }
    }
  }

  private selection(context: CanvasRenderingContext2D, renderer: Renderer, content: OverlayContent): void {
    context.strokeStyle = this.palette.selected;
    const vertex = content.selectedVertex === undefined ? undefined : content.topology.vertices.get(content.selectedVertex);
    if (vertex !== undefined) {
      const at = renderer.project(vertex);
      context.lineWidth = 3;
      context.beginPath();
      context.arc(at.x, at.y, 15, 0, 2 * Math.PI);
      context.stroke();
    }
    const edge = content.selectedEdge === undefined ? undefined : content.topology.edges.get(content.selectedEdge);
    const a = edge && content.topology.vertices.get(edge.a);
    const b = edge && content.topology.vertices.get(edge.b);
    if (a !== undefined && b !== undefined) this.line(context, [renderer.project(a), renderer.project(b)], this.palette.selected, 5, false);
  }

  // How many instances run at a site, once there is room to say it.
  private badges(context: CanvasRenderingContext2D, renderer: Renderer, content: OverlayContent, inView: (point: Point) => boolean): void {
    const crowd = content.topology.vertices.size;
    const { clientWidth, clientHeight } = this.container;
    const here = renderer.unproject({ x: 0, y: 0 });
    const there = renderer.unproject({ x: clientWidth, y: clientHeight });
    let seen = 0;
    if (crowd > 300) {
      const [left, right] = [Math.min(here.x, there.x), Math.max(here.x, there.x)];
      const [low, high] = [Math.min(here.y, there.y), Math.max(here.y, there.y)];
      for (const vertex of content.topology.vertices.values()) {
        if (vertex.x >= left && vertex.x <= right && vertex.y >= low && vertex.y <= high) seen += 1;
      }
      if (Math.sqrt((clientWidth * clientHeight) / Math.max(1, seen)) < BADGES_FROM_PX * 3) return;
    }
    context.font = '600 10px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const [site, count] of content.instances) {
      const vertex = content.topology.vertices.get(site);
      if (vertex === undefined) continue;
      const at = renderer.project(vertex);
      if (!inView(at)) continue;
      const text = String(count);
      const width = Math.max(16, text.length * 7 + 8);
      context.fillStyle = this.palette.label;
      context.beginPath();
      context.roundRect(at.x - width / 2, at.y - 24, width, 15, 7);
      context.fill();
      context.fillStyle = this.palette.background;
      context.fillText(text, at.x, at.y - 16);
    }
    context.textAlign = 'start';
  }
}
