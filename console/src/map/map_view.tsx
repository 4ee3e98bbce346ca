import { useEffect, useMemo, useRef, useState } from 'react';
import type { Plan } from '../api/types';
import { usePreferences, useReducedMotion, useText } from '../state/preferences';
import { useLive } from '../state/session';
import { CanvasRenderer } from './canvas_renderer';
import type { Point } from './layout';
import { Overlay, type OverlayContent } from './overlay';
import { DARK, LIGHT } from './palette';
import { hasWebgl, type Renderer } from './renderer';
import { edgeOf, instancesOf, nearestEdge, nearestVertex, pointsOf, routesOf, topologyOf, type Topology } from './topology';
import { WebglRenderer } from './webgl_renderer';

export interface Selection {
  site?: string | undefined;
  link?: string | undefined;
  intent?: string | undefined;   // tenant/name
}

const PICK_PX = 14;
const FRAMED_SCALE = 0.6;
const NO_WAYS: readonly { hops: readonly string[]; dashed: boolean }[] = [];

// The topology, drawn. It follows the store by itself, outside of React: a change of one link is one update of one line.
export function MapView({ selection, onSelect, ways = NO_WAYS, framed = false, flows = true, plans }: {
  selection: Selection;
  onSelect?: ((selection: Selection) => void) | undefined;
  ways?: readonly { hops: readonly string[]; dashed: boolean }[];
  framed?: boolean;   // in a card, drawn without WebGL: browsers allow few contexts
  flows?: boolean;
  plans?: readonly Plan[];
}) {
  const t = useText();
  const { dark } = usePreferences();
  const still = useReducedMotion();
  const live = useLive();
  const box = useRef<HTMLDivElement>(null);
  const renderer = useRef<Renderer | undefined>(undefined);
  const overlay = useRef<Overlay | undefined>(undefined);
  const topology = useRef<Topology>({ vertices: new Map(), edges: new Map() });
  const [drawn, setDrawn] = useState('');
  const shown = useRef({ selection, ways, plans, onSelect });
  shown.current = { selection, ways, plans, onSelect };

  // What lies above the topology, from the newest rows.
  const content = useMemo(() => (): OverlayContent => {
    const now = shown.current;
    const active = now.plans ?? live.domain.plans.values();
    return {
      topology: topology.current,
      routes: flows ? routesOf(active, topology.current) : [],
      instances: flows ? instancesOf(active) : new Map(),
      selectedVertex: now.selection.site,
      selectedEdge: now.selection.link,
      selectedIntent: now.selection.intent,
      ways: now.ways.map((way) => ({ points: pointsOf(way.hops, topology.current.vertices), dashed: way.dashed })),
    };
  }, [live, flows]);

  useEffect(() => {
    const container = box.current;
    if (container === null) return;
    const events = {
      onPick: (pixel: Point) => {
        const at = renderer.current?.unproject(pixel);
        const beside = renderer.current?.unproject({ x: pixel.x + PICK_PX, y: pixel.y });
        if (at === undefined || beside === undefined) return;
        const reach = Math.hypot(beside.x - at.x, beside.y - at.y);
        const vertex = nearestVertex(at, reach, topology.current);
        const edge = vertex === undefined || vertex.kind === 'router' ? nearestEdge(at, reach * 0.7, topology.current) : undefined;
        shown.current.onSelect?.(vertex?.kind === 'site' ? { site: vertex.name } : edge === undefined ? {} : { link: edge });
      },
      onDrawn: () => overlay.current?.schedule(),
    };
    const palette = matchMedia('(prefers-color-scheme: dark)').matches ? DARK : LIGHT;
    let made: Renderer;
    try {
      made = hasWebgl() && !framed ? new WebglRenderer(container, palette, events) : new CanvasRenderer(container, palette, events, framed ? FRAMED_SCALE : 1);
    } catch {
      container.replaceChildren();
      made = new CanvasRenderer(container, palette, events);
    }
    renderer.current = made;
    overlay.current = new Overlay(container, () => renderer.current, palette, still);
    setDrawn(made.name);

    const { sites, routers, links, plans: allPlans } = live.domain;
    const rebuild = () => {
      topology.current = topologyOf(sites.values(), routers.values(), links.values());
      made.setTopology(topology.current);
      overlay.current?.setContent(content());
    };
    rebuild();
    const stop = [
      sites.subscribe((changes) => {
        const { vertices } = topology.current;
        if (changes === 'all' || [...changes].some((name) => sites.get(name) === undefined || !vertices.has(name))) return rebuild();
        for (const name of changes) {
          const vertex = vertices.get(name);
          const state = sites.get(name)?.status?.state ?? 'unknown';
          if (vertex === undefined || vertex.state === state) continue;
          const next = { ...vertex, state };
          vertices.set(name, next);
          made.updateVertex(next);
        }
        made.flush();
        overlay.current?.setContent(content());
      }),
      links.subscribe((changes) => {
        const { edges } = topology.current;
        if (changes === 'all' || [...changes].some((name) => links.get(name) === undefined || !edges.has(name))) return rebuild();
        for (const name of changes) {
          const link = links.get(name);
          if (link === undefined) continue;
          const next = edgeOf(link);
          edges.set(name, next);
          made.updateEdge(next);
        }
        made.flush();
        overlay.current?.setContent(content());
      }),
      routers.subscribe(rebuild),
      allPlans.subscribe(() => overlay.current?.setContent(content())),
    ];
    return () => {
      for (const end of stop) end();
      overlay.current?.destroy();
      overlay.current = undefined;
      renderer.current = undefined;
      made.destroy();
    };
  }, [live, framed, content]);

  useEffect(() => {
    const palette = dark ? DARK : LIGHT;
    renderer.current?.setPalette(palette);
    overlay.current?.setPalette(palette);
  }, [dark, drawn]);
  useEffect(() => overlay.current?.setStill(still), [still]);
  useEffect(() => {
    overlay.current?.setContent(content());
    const vertex = selection.site === undefined ? undefined : topology.current.vertices.get(selection.site);
    if (vertex !== undefined) renderer.current?.focus(vertex);
  }, [selection.site, selection.link, selection.intent, ways, plans, content]);

  return (
    <div className={framed ? 'map map-small' : 'map'} data-renderer={drawn}>
      <div className="map-box" ref={box} role="img" aria-label={t.map.canvas} />
      <div className="map-tools">
        <button type="button" onClick={() => renderer.current?.zoom(1.5)} aria-label={t.map.zoomIn} title={t.map.zoomIn}>+</button>
        <button type="button" onClick={() => renderer.current?.zoom(1 / 1.5)} aria-label={t.map.zoomOut} title={t.map.zoomOut}>−</button>
        <button type="button" onClick={() => renderer.current?.fit()} aria-label={t.map.fit} title={t.map.fit}>⤢</button>
      </div>
    </div>
  );
}
