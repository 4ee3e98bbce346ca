import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { PAGE_NAMES, type PageName } from './app';
import { ProblemBox, Working } from './components/basics';
import { Dialog } from './components/dialog';
import { go, routeText } from './router';
import { usePreferences, useText, type Theme } from './state/preferences';
import { useSession } from './state/session';
import type { Language } from './i18n/dictionary';

const THEMES: Theme[] = ['system', 'light', 'dark'];
const LANGUAGES: Language[] = ['en', 'zh'];

export function PreferenceControls() {
  const { t, language, theme, setLanguage, setTheme } = usePreferences();
  return (
    <>
      <select value={language} onChange={(event) => setLanguage(event.target.value as Language)} aria-label={t.language.label}>
        {LANGUAGES.map((each) => <option key={each} value={each} lang={each}>{t.language[each]}</option>)}
      </select>
      <select value={theme} onChange={(event) => setTheme(event.target.value as Theme)} aria-label={t.theme.label}>
        {THEMES.map((each) => <option key={each} value={each}>{t.theme[each]}</option>)}
      </select>
    </>
  );
}

function ConnectionState() {
  const t = useText();
  const { live } = useSession();
  const connection = useSyncExternalStore(live.subscribe, () => live.connection);
  const [, tick] = useState(0);
  useEffect(() => {
    if (connection.state !== 'waiting') return;
    const timer = setInterval(() => tick((count) => count + 1), 500);
    return () => clearInterval(timer);
  }, [connection]);
  useEffect(() => {
    window.addEventListener('online', live.retryNow);
    return () => window.removeEventListener('online', live.retryNow);
  }, [live]);
  if (connection.state === 'off') return null;
  if (connection.state === 'waiting') {
    const seconds = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000));
    return (
      <span className="connection connection-waiting" role="status" title={t.connection.stale}>
        <span className="pulse" aria-hidden="true" />{t.connection.waiting(seconds)}
        <button type="button" className="quiet" onClick={live.retryNow}>{t.connection.now}</button>
      </span>
    );
  }
  return (
    <span className={`connection connection-${connection.state}`} role="status">
      <span className="pulse" aria-hidden="true" />{connection.state === 'live' ? t.connection.live : t.connection.connecting}
    </span>
  );
}

function Shortcuts({ onClose }: { onClose: () => void }) {
  const { t, shortcuts, setShortcuts } = usePreferences();
  return (
    <Dialog title={t.shortcuts.title} onClose={onClose}>
      <dl className="shortcuts">
        {PAGE_NAMES.map((page, i) => <div key={page}><dt><kbd>{i + 1}</kbd></dt><dd>{t.shortcuts.then(t.nav[page])}</dd></div>)}
        <div><dt><kbd>/</kbd></dt><dd>{t.shortcuts.filter}</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>{t.shortcuts.escape}</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>{t.shortcuts.help}</dd></div>
      </dl>
      <label className="check"><input type="checkbox" checked={shortcuts} onChange={(event) => setShortcuts(event.target.checked)} />{t.shortcuts.on}</label>
    </Dialog>
  );
}

export function Shell({ current, children }: { current: PageName; children: ReactNode }) {
  const { t, shortcuts } = usePreferences();
  const { me, signOut } = useSession();
  const person = me.person || me.subject || '';
  const role = t.trust.roles[me.role ?? 'ROLE_TENANT'] ?? '';
  const [help, setHelp] = useState(false);

  useEffect(() => {
    document.title = `${t.nav[current]} · ${t.brand}`;
  }, [t, current]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : undefined;
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return;
      if (event.key === 'Escape') {
        if (target?.dataset.filter !== undefined) target.blur();
        else if (current === 'map' && /[?&](site|link|intent)=/.test(location.hash)) go(['map']);
        return;
      }
      if (!shortcuts || target?.closest('input, textarea, select') != null) return;
      const page = PAGE_NAMES[Number(event.key) - 1];
      if (page !== undefined) go([page]);
      else if (event.key === '/') {
        event.preventDefault();
        document.querySelector<HTMLElement>('[data-filter]')?.focus();
      } else if (event.key === '?') setHelp(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [shortcuts, current]);

  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{t.skip}</a>
      <header className="top">
        <span className="brand"><span className="brand-mark" aria-hidden="true" />Weir</span>
        <ConnectionState />
        <span className="top-tools">
          <PreferenceControls />
          <button type="button" className="quiet" onClick={() => setHelp(true)} aria-label={t.shortcuts.open} title={t.shortcuts.open}>?</button>
          <span className="who" title={t.signIn.who(person, role, me.subject ?? '')}>
            <span className="who-name">{person}</span> <span className="who-role">{role}</span>
          </span>
          <button type="button" className="quiet" onClick={signOut}>{t.action.signOut}</button>
        </span>
      </header>
      <nav className="pages" aria-label={t.nav.label}>
        {PAGE_NAMES.map((page) => (
          <a key={page} href={routeText([page])} aria-current={page === current ? 'page' : undefined}>
            <span className={`icon icon-${page}`} aria-hidden="true" />{t.nav[page]}
          </a>
        ))}
      </nav>
      <main id="content" tabIndex={-1} className={`page page-${current}`}>{children}</main>
      {help && <Shortcuts onClose={() => setHelp(false)} />}
    </div>
  );
}

// Shows what is being read until there is something to show.
export function Loader({ children }: { children: ReactNode }) {
  const t = useText();
  const { live } = useSession();
  const loading = useSyncExternalStore(live.subscribe, () => live.loading);
  if (loading.state === 'ready') return children;
  if (loading.state === 'failed') return <><p>{t.loading.failed}</p><ProblemBox problem={loading.problem} onRetry={live.reload} /></>;
  return <Working text={t.loading.title(t.kinds[loading.step] ?? loading.step, loading.count.toLocaleString('en'))} />;
}
