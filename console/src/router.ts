import { useSyncExternalStore } from 'react';

// The place in the console, kept in the fragment: "#/work/intent/city/cameras?state=refused". Parts are percent-encoded names.
export interface Route {
  parts: string[];
  query: Record<string, string>;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1))) query[name] = value;
  return { parts: path.split('/').filter((part) => part !== '').map(decoded), query };
}

export function routeText(parts: readonly string[], query: Record<string, string | undefined> = {}): string {
  const kept = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  const search = new URLSearchParams(kept).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

export function go(parts: readonly string[], query: Record<string, string | undefined> = {}): void {
  location.hash = routeText(parts, query);
}

// Changes the query in place, without a step in the history.
export function replaceQuery(parts: readonly string[], query: Record<string, string | undefined>): void {
  history.replaceState(null, '', routeText(parts, query));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

const subscribe = (listener: () => void): (() => void) => {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
};

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.hash));
}
