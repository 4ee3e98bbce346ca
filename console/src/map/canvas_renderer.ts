import { clip } from '../format/units';
import type { Point } from './layout';
import { drawLabel, linkColour, linkWidth, siteColour, vertexSize, type Palette } from './palette';
import { LABEL_LENGTH, type Renderer, type RendererEvents } from './renderer';
import type { Edge, Topology, Vertex } from './topology';

const PADDING_PX = 40;
const CLICK_PX = 4;
const LABEL_CELL_PX = 90;
// A drawing of more links is not made anew for each frame of a moving view: the last one is moved, until the view rests. Its time is
// spent in another process, so that only its size can tell.
const EDGES_PICTURED_MIN = 1500;
const REST_MS = 120;

// The same drawing without WebGL: pan by dragging, zoom by wheel or two fingers.
export class CanvasRenderer implements Renderer {
  readonly name = 'canvas';
  private readonly canvas = document.createElement('canvas');
  private readonly observer: ResizeObserver;
  private readonly pointers = new Map<number, Point>();
  private topology: Topology = { vertices: new Map(), edges: new Map() };
  private scale = 1;
  private middle: Point = { x: 0, y: 0 };
  private travelled = 0;
  private frame = 0;
  private moved = false;
  private readonly picture = document.createElement('canvas');
  private pictured: { middle: Point; scale: number } | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly container: HTMLElement, private palette: Palette, private readonly events: RendererEvents, private readonly vertexScale = 1) {
    this.canvas.className = 'map-canvas';
    container.append(this.canvas);
    this.observer = new ResizeObserver(() => {
      if (!this.moved) this.fit();
      this.flush();
    });
    this.observer.observe(container);
    this.canvas.addEventListener('pointerdown', this.onDown);
    this.canvas.addEventListener('pointermove', this.onMove);
    this.canvas.addEventListener('pointerup', this.onUp);
    this.canvas.addEventListener('pointercancel', this.onUp);
    this.canvas.addEventListener('wheel', this.onWheel, { passive: false });
  }

  setTopology(topology: Topology): void {
    const first = this.topology.vertices.size === 0;
    this.topology = topology;
    if (first) this.fit();
    this.flush();
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.flush();
  }

  updateVertex(vertex: Vertex): void {
    this.topology.vertices.set(vertex.name, vertex);
  }

  updateEdge(edge: Edge): void {
    this.topology.edges.set(edge.name, edge);
  }

  flush(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.events.onDrawn();
    });
  }

  // The view alone has changed.
  private move(): void {
    if (this.pictured === undefined) return this.flush();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.flush(), REST_MS);
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawPicture();
      this.events.onDrawn();
    });
  }

  private drawPicture(): void {
    const context = this.canvas.getContext('2d');
    if (context === null || this.pictured === undefined) return;
    const ratio = devicePixelRatio || 1;
    const zoom = this.scale / this.pictured.scale;
    const x = this.canvas.width / 2 + (this.pictured.middle.x - this.middle.x) * this.scale * ratio;
    const y = this.canvas.height / 2 - (this.pictured.middle.y - this.middle.y) * this.scale * ratio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(zoom, 0, 0, zoom, x - (this.picture.width / 2) * zoom, y - (this.picture.height / 2) * zoom);
    context.drawImage(this.picture, 0, 0);
  }

  project({ x, y }: Point): Point {
    return {
      x: this.container.clientWidth / 2 + (x - this.middle.x) * this.scale,
      y: this.container.clientHeight / 2 - (y - this.middle.y) * this.scale,
    };
  }

  unproject({ x, y }: Point): Point {
    return {
      x: this.middle.x + (x - this.container.clientWidth / 2) / this.scale,
      y: this.middle.y - (y - this.container.clientHeight / 2) / this.scale,
    };
  }

  zoom(factor: number): void {
    this.zoomAt({ x: this.container.clientWidth / 2, y: this.container.clientHeight / 2 }, factor);
  }

  fit(): void {
    const xs: number[] = [];
    const ys: number[] = [];
    for (const { x, y } of this.topology.vertices.values()) {
      xs.push(x);
      ys.push(y);
    }
    if (xs.length === 0) return;
    const bounds = (values: number[]) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)] as [number, number], [Infinity, -Infinity] as [number, number]);
    const [left, right] = bounds(xs);
    const [low, high] = bounds(ys);
    this.middle = { x: (left + right) / 2, y: (low + high) / 2 };
    this.scale = Math.min(
      (this.container.clientWidth - 2 * PADDING_PX) / Math.max(right - left, 1e-6),
      (this.container.clientHeight - 2 * PADDING_PX) / Math.max(high - low, 1e-6),
      1e4,
    );
    this.scale = Math.max(this.scale, 1e-3);
    this.moved = false;
    this.flush();
  }

  focus(point: Point): void {
    const pixel = this.project(point);
    const { clientWidth, clientHeight } = this.container;
    if (pixel.x > 0 && pixel.y > 0 && pixel.x < clientWidth && pixel.y < clientHeight) return;
    this.middle = { x: point.x, y: point.y };
    this.moved = true;
    this.flush();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.observer.disconnect();
    this.canvas.remove();
  }

  private zoomAt(pixel: Point, factor: number): void {
    const before = this.unproject(pixel);
    this.scale = Math.max(1e-3, Math.min(1e6, this.scale * factor));
    const after = this.unproject(pixel);
    this.middle = { x: this.middle.x + before.x - after.x, y: this.middle.y + before.y - after.y };
    this.moved = true;
    this.move();
  }

  private local(event: { clientX: number; clientY: number }): Point {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private onDown = (event: PointerEvent): void => {
    this.canvas.setPointerCapture(event.pointerId);
    if (this.pointers.size === 0) this.travelled = 0;
    this.pointers.set(event.pointerId, this.local(event));
  };

  private onMove = (event: PointerEvent): void => {
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = this.local(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (other !== undefined) {
      const spread = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      this.zoomAt({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, spread(now) / spread(before));
    } else {
      this.middle = { x: this.middle.x - (now.x - before.x) / this.scale, y: this.middle.y + (now.y - before.y) / this.scale };
      this.moved = true;
      this.move();
    }
    this.pointers.set(event.pointerId, now);
  };

  private onUp = (event: PointerEvent): void => {
    if (!this.pointers.delete(event.pointerId)) return;
    if (event.type === 'pointerup' && this.pointers.size === 0 && this.travelled < CLICK_PX) this.events.onPick(this.local(event));
  };

  private onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.zoomAt(this.local(event), Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 300));
  };

  private draw(): void {
    clearTimeout(this.rest);
    const { clientWidth: width, clientHeight: height } = this.container;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const thin = this.topology.edges.size > 2000 ? 0.5 : 1;
    // Links of one look are one path: a stroke each would cost more than all else.
    const looks = new Map<string, Edge[]>();
    for (const edge of this.topology.edges.values()) {
      const look = `${linkColour(edge, this.palette)} ${(linkWidth(edge) * thin).toFixed(1)}`;
      const known = looks.get(look);
      if (known === undefined) looks.set(look, [edge]);
      else known.push(edge);
    }
    for (const [look, edges] of looks) {
      const [colour, size] = look.split(' ');
      context.strokeStyle = colour ?? this.palette.router;
      context.lineWidth = Number(size);
      context.beginPath();
      for (const edge of edges) {
        const a = this.topology.vertices.get(edge.a);
        const b = this.topology.vertices.get(edge.b);
        if (a === undefined || b === undefined) continue;
        const from = this.project(a);
        const to = this.project(b);
        if (Math.max(from.x, to.x) < 0 || Math.min(from.x, to.x) > width || Math.max(from.y, to.y) < 0 || Math.min(from.y, to.y) > height) continue;
        context.moveTo(from.x, from.y);
        context.lineTo(to.x, to.y);
      }
      context.stroke();
    }
    this.drawVertices(context, width, height);
    this.pictured = undefined;
    if (this.topology.edges.size <= EDGES_PICTURED_MIN) return;
    this.picture.width = this.canvas.width;
    this.picture.height = this.canvas.height;
    this.picture.getContext('2d')?.drawImage(this.canvas, 0, 0);
    this.pictured = { middle: this.middle, scale: this.scale };
  }

  private drawVertices(context: CanvasRenderingContext2D, width: number, height: number): void {
    const count = this.topology.vertices.size;
    const zoomed = Math.max(1, Math.min(3, Math.sqrt(this.scale / 40)));
    const labelled = new Set<string>();
    context.font = '12px system-ui, sans-serif';
    for (const vertex of this.topology.vertices.values()) {
      const at = this.project(vertex);
      if (at.x < -20 || at.y < -20 || at.x > width + 20 || at.y > height + 20) continue;
      const size = vertexSize(vertex, count) * (count > 300 ? zoomed : 1) * this.vertexScale;
      context.fillStyle = siteColour(vertex, this.palette);
      context.beginPath();
      context.arc(at.x, at.y, size, 0, 2 * Math.PI);
      context.fill();
      const cell = `${Math.floor(at.x / LABEL_CELL_PX)} ${Math.floor(at.y / (LABEL_CELL_PX / 3))}`;
      if (size < 4 * this.vertexScale) continue;
      if (labelled.has(cell)) continue;
      labelled.add(cell);
      drawLabel(context, clip(vertex.name, LABEL_LENGTH), at.x + size + 3, at.y, this.palette);
    }
  }
}
