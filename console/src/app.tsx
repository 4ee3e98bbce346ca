import { Component, lazy, Suspense, type ReactNode } from 'react';
import { Problem } from './api/problem';
import { ProblemBox, Working } from './components/basics';
import { useRoute } from './router';
import { Loader, Shell } from './shell';
import { SignInPage } from './pages/sign_in';
import { PreferencesProvider, useText } from './state/preferences';
import { SessionProvider } from './state/session';

const PAGES = {
  map: lazy(() => import('./pages/map_page')),
  ask: lazy(() => import('./pages/ask')),
  work: lazy(() => import('./pages/work')),
  money: lazy(() => import('./pages/money')),
  trust: lazy(() => import('./pages/trust')),
  operate: lazy(() => import('./pages/operate')),
};

export type PageName = keyof typeof PAGES;

// The order of the navigation and of the digits that lead to pages.
export const PAGE_NAMES = Object.keys(PAGES) as PageName[];

// A fault in one page leaves the others usable.
class Boundary extends Component<{ page: string; title: string; children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(before: { page: string }): void {
    if (before.page !== this.props.page && this.state.error !== undefined) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return <ProblemBox problem={new Problem('internal', this.props.title, this.state.error.message)} onRetry={() => this.setState({ error: undefined })} />;
  }
}

function Pages() {
  const t = useText();
  const { parts } = useRoute();
  const name = PAGE_NAMES.find((page) => page === parts[0]) ?? 'map';
  const Page = PAGES[name];
  return (
    <Shell current={name}>
      <Boundary page={parts.join('/')} title={t.error.page}>
        <Suspense fallback={<Working text={t.loading.page} />}>
          <Loader><Page /></Loader>
        </Suspense>
      </Boundary>
    </Shell>
  );
}

export function App() {
  return (
    <PreferencesProvider>
      <SessionProvider signedOut={(signIn) => <SignInPage {...signIn} />}>
        <Pages />
      </SessionProvider>
    </PreferencesProvider>
  );
}
