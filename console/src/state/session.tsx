import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { asProblem, Problem } from '../api/problem';
import { Client } from '../api/client';
import type { Me, SignInWays } from '../api/types';
import type { Changes, Collection } from './store';
import { Live } from './live';
import { usePreferences } from './preferences';

// The token lives as long as the tab: sessionStorage is neither shared with other tabs nor kept when the tab is closed.
const TOKEN_KEY = 'weir.token';
const PLACE_KEY = 'weir.place';

interface Session {
  live: Live;
  me: Me;
  signOut: () => void;
}

const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('useSession is used outside a session');
  return session;
}

export const useLive = (): Live => useSession().live;

// What the role of the person may do: others are not offered it, and the brain refuses it.
export const mayRun = (me: Me): boolean => me.role === 'ROLE_OPERATOR';
export const mayDrain = (me: Me): boolean => me.role === 'ROLE_OPERATOR' || me.role === 'ROLE_PROVIDER';

const FAILURES = ['refused', 'no-role', 'too-often', 'unavailable'] as const;
export type SignInFailure = (typeof FAILURES)[number];

// How a sign-in at the identity provider ended, and where the person was before; both are asked for once.
function takeFailure(): SignInFailure | undefined {
  const found = FAILURES.find((each) => each === new URLSearchParams(location.search).get('sign_in'));
  if (location.search !== '') history.replaceState(null, '', `/${location.hash}`);
  return found;
}
function takePlace(): void {
  const place = sessionStorage.getItem(PLACE_KEY);
  sessionStorage.removeItem(PLACE_KEY);
  if (place !== null && location.hash === '' && place.startsWith('#/')) location.hash = place;
}

export interface SignIn {
  ways: SignInWays | undefined;
  failure: SignInFailure | undefined;
  leave: () => void;  // to the identity provider
  problem: Problem | undefined;
  signIn: (token: string) => Promise<void>;
}

export function SessionProvider({ children, signedOut }: { children: ReactNode; signedOut: (signIn: SignIn) => ReactNode }) {
  // A token, the cookie of a session (the empty text), or nobody; undefined: it is not known yet.
  const [entered, setEntered] = useState<string | undefined | null>(() => sessionStorage.getItem(TOKEN_KEY) ?? undefined);
  const [ways, setWays] = useState<SignInWays>();
  const [failure, setFailure] = useState<SignInFailure | undefined>(takeFailure);
  const [problem, setProblem] = useState<Problem>();
  const [live, setLive] = useState<Live>();
  const { language } = usePreferences();
  const spoken = useRef(language);

  useEffect(() => {
    if (entered !== undefined && entered !== null) return;
    let current = true;
    new Client('').ways().then(
      (found) => {
        if (!current) return;
        setWays(found);
        if (entered === undefined) setEntered(found.signedIn ? '' : null);
      },
      (error: unknown) => {
        if (!current) return;
        setProblem((before) => before ?? asProblem(error));
        if (entered === undefined) setEntered(null);
      },
    );
    return () => {
      current = false;
    };
  }, [entered]);

  useEffect(() => {
    if (entered === undefined || entered === null) return;
    let opened: Live | undefined;
    let current = true;
    const nobody = (found: Problem | undefined) => {
      if (!current) return;
      sessionStorage.removeItem(TOKEN_KEY);
      setProblem(found);
      setEntered(null);
    };
    const client = new Client(entered, nobody);
    client.language = spoken.current;
    client.me().then(
      (me) => {
        if (!current) return;
        if (entered === '') takePlace();
        else sessionStorage.setItem(TOKEN_KEY, entered);
        setFailure(undefined);
        opened = new Live(client, me);
        setLive(opened);
      },
      (error: unknown) => nobody(asProblem(error)),
    );
    return () => {
      current = false;
      opened?.close();
      setLive(undefined);
    };
  }, [entered]);

  useEffect(() => {
    spoken.current = language;
    live?.speak(language);
  }, [live, language]);

  if (entered === null) {
    return signedOut({
      problem, ways, failure,
      leave: () => {
        if (location.hash !== '') sessionStorage.setItem(PLACE_KEY, location.hash);
        location.assign('/v1/sign-in');
      },
      signIn: async (token) => {
        setProblem(undefined);
        setFailure(undefined);
        try {
          await new Client(token).me();
        } catch (error) {
          setProblem(asProblem(error));
          return;
        }
        setEntered(token);
      },
    });
  }
  if (live === undefined) return null;
  const signOut = () => {
    sessionStorage.removeItem(TOKEN_KEY);
    setProblem(undefined);
    if (entered !== '') {
      setEntered(null);
      return;
    }
    live.client.signOut().then(
      (elsewhere) => {
        setEntered(null);
        if (elsewhere !== '') location.assign(elsewhere);
      },
      (error: unknown) => {
        setProblem(asProblem(error));
        setEntered(null);
      },
    );
  };
  return <SessionContext value={{ live, me: live.me, signOut }}>{children}</SessionContext>;
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
