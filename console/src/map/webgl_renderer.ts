import Graph from 'graphology';
import Sigma from 'sigma';
import { clip } from '../format/units';
import type { Point } from './layout';
import { drawLabel, linkColour, linkWidth, siteColour, vertexSize, type Palette } from './palette';
import { LABEL_LENGTH, type Renderer, type RendererEvents } from './renderer';
import type { Edge, Topology, Vertex } from './topology';

// While the view moves, links of a domain with more than these are not drawn.
const EDGES_WHILE_MOVING_MAX = 30_000;

export class WebglRenderer implements Renderer {
  readonly name = 'webgl';
  private readonly graph = new Graph({ multi: true, type: 'undirected' });
  private readonly sigma: Sigma;
  private topology: Topology = { vertices: new Map(), edges: new Map() };

  constructor(container: HTMLElement, private palette: Palette, events: RendererEvents) {
    this.sigma = new Sigma(this.graph, container, {
      allowInvalidContainer: true,
      renderEdgeLabels: false,
      labelDensity: 0.8,
      labelGridCellSize: 90,
      labelRenderedSizeThreshold: 4,
      defaultDrawNodeLabel: (context, { x, y, size, label }) => {
        if (!label) return;
        context.font = '12px system-ui, sans-serif';
        drawLabel(context, label, x + size + 3, y, this.palette);
      },
      defaultDrawNodeHover: () => undefined,
      minCameraRatio: 0.002,
      maxCameraRatio: 2.5,
      stagePadding: 70,
      zIndex: true,
    });
    this.sigma.on('clickStage', ({ event }) => events.onPick(event));
    this.sigma.on('clickNode', ({ event }) => events.onPick(event));
    this.sigma.on('afterRender', () => events.onDrawn());
  }

  private nodeAttributes(vertex: Vertex) {
    return {
      x: vertex.x,
      y: vertex.y,
      size: vertexSize(vertex, this.topology.vertices.size),
      color: siteColour(vertex, this.palette),
      label: clip(vertex.name, LABEL_LENGTH),
      zIndex: vertex.state === 'down' ? 2 : vertex.kind === 'site' ? 1 : 0,
    };
  }

  private edgeAttributes(edge: Edge) {
    return { size: linkWidth(edge) * (this.topology.edges.size > 2000 ? 0.5 : 1), color: linkColour(edge, this.palette), zIndex: edge.state === 'up' ? 0 : 1 };
  }

  setTopology(topology: Topology): void {
    this.topology = topology;
    this.graph.clear();
    for (const vertex of topology.vertices.values()) this.graph.addNode(vertex.name, this.nodeAttributes(vertex));
    for (const edge of topology.edges.values()) {
      if (this.graph.hasNode(edge.a) && this.graph.hasNode(edge.b)) this.graph.addEdgeWithKey(edge.name, edge.a, edge.b, this.edgeAttributes(edge));
    }
    this.sigma.setSetting('hideEdgesOnMove', topology.edges.size > EDGES_WHILE_MOVING_MAX);
    this.sigma.refresh();
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    for (const vertex of this.topology.vertices.values()) this.updateVertex(vertex);
    for (const edge of this.topology.edges.values()) this.updateEdge(edge);
    this.flush();
  }

  updateVertex(vertex: Vertex): void {
    if (!this.graph.hasNode(vertex.name)) return;
    this.graph.mergeNodeAttributes(vertex.name, this.nodeAttributes(vertex));
  }

  updateEdge(edge: Edge): void {
    if (!this.graph.hasEdge(edge.name)) return;
    this.graph.mergeEdgeAttributes(edge.name, this.edgeAttributes(edge));
  }

  flush(): void {
    this.sigma.scheduleRender();
  }

  project(point: Point): Point {
    return this.sigma.graphToViewport(point);
  }

  unproject(pixel: Point): Point {
    return this.sigma.viewportToGraph(pixel);
  }

  zoom(factor: number): void {
    const camera = this.sigma.getCamera();
    void camera.animate({ ratio: camera.getBoundedRatio(camera.ratio / factor) }, { duration: 150 });
  }

  fit(): void {
    void this.sigma.getCamera().animatedReset({ duration: 150 });
  }

  focus(point: Point): void {
    const { width, height } = this.sigma.getDimensions();
    const pixel = this.project(point);
    if (pixel.x > 0 && pixel.y > 0 && pixel.x < width && pixel.y < height) return;
    const at = this.sigma.viewportToFramedGraph(pixel);
    void this.sigma.getCamera().animate({ x: at.x, y: at.y }, { duration: 150 });
  }

  destroy(): void {
    this.sigma.kill();
  }
}
