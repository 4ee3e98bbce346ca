import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { asProblem, Problem } from '../api/problem';
import { Client } from '../api/client';
import type { Changes, Collection } from './store';
import { Live } from './live';

// The token lives as long as the tab: sessionStorage is neither shared with other tabs nor kept when the tab is closed.
const TOKEN_KEY = 'weir.token';

interface Session {
  live: Live;
  signOut: () => void;
}

const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('useSession is used outside a session');
  return session;
}

export const useLive = (): Live => useSession().live;

// One call tells whether the token is good, before anything is kept.
export async function probe(token: string): Promise<void> {
  await new Client(token).head();
}

export interface SignIn {
  problem: Problem | undefined;
  signIn: (token: string) => Promise<void>;
}

export function SessionProvider({ children, signedOut }: { children: ReactNode; signedOut: (signIn: SignIn) => ReactNode }) {
  const [token, setToken] = useState(() => sessionStorage.getItem(TOKEN_KEY) ?? '');
  const [problem, setProblem] = useState<Problem>();
  const [live, setLive] = useState<Live>();

  useEffect(() => {
    if (token === '') return;
    const opened = new Live(token, (found) => {
      sessionStorage.removeItem(TOKEN_KEY);
      setToken('');
      setProblem(found);
    });
    setLive(opened);
    return () => {
      opened.close();
      setLive(undefined);
    };
  }, [token]);

  if (token === '') {
    return signedOut({
      problem,
      signIn: async (entered) => {
        setProblem(undefined);
        try {
          await probe(entered);
        } catch (error) {
          setProblem(asProblem(error));
          return;
        }
        sessionStorage.setItem(TOKEN_KEY, entered);
        setToken(entered);
      },
    });
  }
  if (live === undefined) return null;
  const signOut = () => {
    sessionStorage.removeItem(TOKEN_KEY);
    setProblem(undefined);
    setToken('');
  };
  return <SessionContext value={{ live, signOut }}>{children}</SessionContext>;
}

// Renders again when the collection changes.
export function useRows<T>(rows: Collection<T>): readonly T[] {
  useSyncExternalStore(rows.subscribe, () => rows.version);
  return rows.values();
}

export function useRow<T>(rows: Collection<T>, key: string): T | undefined {
  return useSyncExternalStore(rows.subscribe, () => rows.get(key));
}

export function useChanges<T>(rows: Collection<T>, onChange: (changes: Changes) => void): void {
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => rows.subscribe((changes) => latest.current(changes)), [rows]);
}

export type Loaded<T> = { state: 'loading' } | { state: 'ready'; value: T } | { state: 'failed'; problem: Problem };

// What a call gives, again whenever a dependency changes; an answer that a newer call has overtaken is dropped, and the last good one
// stays while a newer is under way.
export function useAnswer<T>(call: () => Promise<T>, dependencies: readonly unknown[]): [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: 'loading' });
  const [again, setAgain] = useState(0);
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    let current = true;
    latest.current().then(
      (value) => current && setLoaded({ state: 'ready', value }),
      (error: unknown) => current && setLoaded({ state: 'failed', problem: asProblem(error) }),
    );
    return () => {
      current = false;
    };
  }, [...dependencies, again]);
  return [loaded, () => setAgain((count) => count + 1)];
}
