import type { Point } from './layout';
import type { Palette } from './palette';
import type { Edge, Topology, Vertex } from './topology';

// What draws a topology and moves the view. One draws with WebGL, one on a canvas where there is no WebGL.
export interface Renderer {
  readonly name: 'webgl' | 'canvas';
  setTopology(topology: Topology): void;
  setPalette(palette: Palette): void;
  updateVertex(vertex: Vertex): void;
  updateEdge(edge: Edge): void;
  // Draws what updates changed.
  flush(): void;
  project(point: Point): Point;      // to pixels of the container
  unproject(pixel: Point): Point;
  zoom(factor: number): void;
  fit(): void;
  focus(point: Point): void;
  destroy(): void;
}

export interface RendererEvents {
  onPick(pixel: Point): void;
  onDrawn(): void;
}

let webgl: boolean | undefined;

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

// Whether there is WebGL that a graphics processor computes: computed by the processor it is slower than the canvas.
export function hasWebgl(): boolean {
  if (webgl === undefined) {
    try {
      const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
      const info = context?.getExtension('WEBGL_debug_renderer_info');
      const name: unknown = info == null ? '' : context?.getParameter(info.UNMASKED_RENDERER_WEBGL);
      webgl = context !== null && !SOFTWARE.test(String(name));
      context?.getExtension('WEBGL_lose_context')?.loseContext();
    } catch {
      webgl = false;
    }
  }
  return webgl;
}

export const LABEL_LENGTH = 24;
