// Where vertices are drawn. Those with coordinates stand where Mercator's projection puts them, in degrees; the others settle among
// their neighbours. Everything follows from names and numbers: the same domain looks the same in every browser and each time.

export interface LayoutVertex {
  id: string;
  latitude?: number | undefined;
  longitude?: number | undefined;
}

export interface Point {
  x: number;
  y: number;
}

const LATITUDE_MAX = 85;
// Up to so many vertices those that would hide one another are moved apart; beyond, one zooms.
const SPREAD_MAX = 600;

export function mercator(latitude: number, longitude: number): Point {
  const bounded = Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, latitude));
  const radians = (bounded * Math.PI) / 180;
  return { x: longitude, y: (Math.log(Math.tan(Math.PI / 4 + radians / 2)) * 180) / Math.PI };
}

// FNV-1a: two numbers in [0, 1) from a name.
function fractions(name: string): [number, number] {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  const first = hash >>> 0;
  const second = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
  return [first / 2 ** 32, second / 2 ** 32];
}

function extent(points: Iterable<Point>): number {
  let left = Infinity;
  let right = -Infinity;
  let low = Infinity;
  let high = -Infinity;
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return Math.max(right - left, high - low, 0);
}

export function layout(vertices: readonly LayoutVertex[], edges: readonly (readonly [string, string])[]): Map<string, Point> {
  const at = new Map<string, Point>();
  const free: string[] = [];
  for (const { id, latitude, longitude } of vertices) {
    if (latitude !== undefined && longitude !== undefined && Number.isFinite(latitude) && Number.isFinite(longitude)) {
      at.set(id, mercator(latitude, longitude));
    } else free.push(id);
  }
  const fixed = new Set(at.keys());
  const known = new Set([...fixed, ...free]);
  const neighbours = new Map<string, string[]>();
  for (const [a, b] of edges) {
    if (!known.has(a) || !known.has(b) || a === b) continue;
    (neighbours.get(a) ?? neighbours.set(a, []).get(a))?.push(b);
    (neighbours.get(b) ?? neighbours.set(b, []).get(b))?.push(a);
  }
  const size = fixed.size > 1 ? extent(at.values()) || 1 : Math.sqrt(known.size) * 4;
  begin(free, fixed, at, neighbours, size);
  settle(free, at, neighbours, size, known.size);
  if (known.size <= SPREAD_MAX) spread([...known].sort(), at, size);
  return at;
}

// First places: at the middle of the neighbours that have one, else on a disc around everything.
function begin(free: readonly string[], fixed: ReadonlySet<string>, at: Map<string, Point>, neighbours: ReadonlyMap<string, string[]>, size: number): void {
  let middle = { x: 0, y: 0 };
  for (const id of fixed) {
    const point = at.get(id) as Point;
    middle = { x: middle.x + point.x / fixed.size, y: middle.y + point.y / fixed.size };
  }
  let waiting = [...free].sort();
  for (let round = 0; round < 12 && waiting.length > 0; round += 1) {
    const left: string[] = [];
    for (const id of waiting) {
      const near = (neighbours.get(id) ?? []).map((other) => at.get(other)).filter((point) => point !== undefined);
      if (near.length === 0) {
        left.push(id);
        continue;
      }
      const [u, v] = fractions(id);
      at.set(id, {
        x: near.reduce((sum, point) => sum + point.x, 0) / near.length + (u - 0.5) * size * 0.02,
        y: near.reduce((sum, point) => sum + point.y, 0) / near.length + (v - 0.5) * size * 0.02,
      });
    }
    if (left.length === waiting.length) break;
    waiting = left;
  }
  const inside = fixed.size > 0 ? 0.6 : 0;
  waiting.forEach((id, i) => {
    const angle = i * 2.399963229728653;  // the golden angle: a sunflower
    const radius = size * (inside + 0.5 * Math.sqrt((i + 0.5) / waiting.length));
    at.set(id, { x: middle.x + radius * Math.cos(angle), y: middle.y + radius * Math.sin(angle) });
  });
}

// Springs along links and repulsion within cells of a grid (Fruchterman and Reingold 1991, section 4), on those that may move.
function settle(free: readonly string[], at: Map<string, Point>, neighbours: ReadonlyMap<string, string[]>, size: number, count: number): void {
  if (free.length === 0) return;
  const rounds = free.length > 3000 ? 15 : free.length > 500 ? 40 : 80;
  const length = (size / Math.sqrt(count)) * 0.7;
  const order = [...free].sort();
  for (let round = 0; round < rounds; round += 1) {
    const step = size * 0.05 * (1 - round / rounds);
    const cells = new Map<string, Point[]>();
    for (const point of at.values()) {
      const key = `${Math.floor(point.x / (2 * length))} ${Math.floor(point.y / (2 * length))}`;
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, [point]);
      else if (cell.length < 40) cell.push(point);
    }
    for (const id of order) {
      const here = at.get(id) as Point;
      let dx = 0;
      let dy = 0;
      const cx = Math.floor(here.x / (2 * length));
      const cy = Math.floor(here.y / (2 * length));
      for (let i = -1; i <= 1; i += 1) {
        for (let j = -1; j <= 1; j += 1) {
          for (const other of cells.get(`${cx + i} ${cy + j}`) ?? []) {
            const x = here.x - other.x;
            const y = here.y - other.y;
            const square = x * x + y * y;
            if (square === 0 || square > 4 * length * length) continue;
            dx += (x * length * length) / square;
            dy += (y * length * length) / square;
          }
        }
      }
      for (const other of neighbours.get(id) ?? []) {
        const there = at.get(other);
        if (there === undefined) continue;
        const x = there.x - here.x;
        const y = there.y - here.y;
        const distance = Math.hypot(x, y);
        dx += (x * distance) / length;
        dy += (y * distance) / length;
      }
      const force = Math.hypot(dx, dy);
      if (force === 0) continue;
      const move = Math.min(force, step);
      at.set(id, { x: here.x + (dx / force) * move, y: here.y + (dy / force) * move });
    }
  }
}

// Moves apart what would stand on one another: a street cabinet and its city are a few pixels apart on a map of a country.
function spread(order: readonly string[], at: Map<string, Point>, size: number): void {
  const apart = Math.min(size * 0.055, (size / Math.sqrt(order.length)) * 0.45);
  for (let round = 0; round < 60; round += 1) {
    let moved = false;
    for (let i = 0; i < order.length; i += 1) {
      const a = at.get(order[i] as string) as Point;
      for (let j = i + 1; j < order.length; j += 1) {
        const b = at.get(order[j] as string) as Point;
        let x = b.x - a.x;
        let y = b.y - a.y;
        let distance = Math.hypot(x, y);
        if (distance >= apart) continue;
        if (distance < apart * 1e-6) {
          const [u, v] = fractions(order[j] as string);
          x = u - 0.5;
          y = v - 0.5;
          distance = Math.hypot(x, y) || 1;
          x *= 1e-3 * apart / distance;
          y *= 1e-3 * apart / distance;
          distance = 1e-3 * apart;
        }
        const push = (apart - distance) / 2 / distance;
        a.x -= x * push;
        a.y -= y * push;
        b.x += x * push;
        b.y += y * push;
        moved = true;
      }
    }
    if (!moved) return;
  }
}
