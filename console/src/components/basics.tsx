import type { ReactNode } from 'react';
import type { Problem } from '../api/problem';
import { clockTime, dateTime, exactTime } from '../format/time';
import { clip } from '../format/units';
import { usePreferences, useText } from '../state/preferences';

// What went wrong, where, and what to do about it. The words are the brain's own.
export function ProblemBox({ problem, onRetry }: { problem: Problem; onRetry?: (() => void) | undefined }) {
  const t = useText();
  return (
    <div className="problem" role="alert">
      <strong>{problem.code === 'unreachable' ? t.error.unreachable : clip(problem.what, 600)}</strong>
      {problem.where !== '' && <p>{t.error.where(clip(problem.where, 300))}</p>}
      {problem.code === 'unreachable' ? <p>{t.error.unreachableRemedy}</p> : problem.remedy !== '' && <p>{t.error.remedy(clip(problem.remedy, 600))}</p>}
      {onRetry && <button type="button" onClick={onRetry}>{t.action.retry}</button>}
    </div>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'info';

const TONES: Record<string, Tone> = {
  up: 'good', running: 'good', kept: 'good', finished: 'good', good: 'good', planned: 'info', placed: 'info', active: 'good', open: 'good',
  draining: 'warn', half: 'warn', waiting: 'warn', pending: 'idle', starting: 'info', stopping: 'warn', retiring: 'warn', proposed: 'info',
  unknown: 'idle', withdrawn: 'idle', exited: 'idle', used: 'idle', expired: 'idle', revoked: 'bad', there: 'idle', cordoned: 'warn',
  down: 'bad', refused: 'bad', failed: 'bad', broken: 'bad', lost: 'bad',
};

// "RUN_STATE_RUNNING" and "running" are one state.
export const plainState = (state: string | undefined): string => (state ?? '').replace(/^RUN_STATE_/, '').toLowerCase();

export function StateChip({ state }: { state: string | undefined }) {
  const t = useText();
  const plain = plainState(state);
  if (plain === '') return null;
  const words: Record<string, string> = t.state;
  return <span className={`chip chip-${TONES[plain] ?? 'idle'}`}>{words[plain] ?? clip(plain, 30)}</span>;
}

export function Time({ at, short = false }: { at: string | undefined; short?: boolean }) {
  const { language } = usePreferences();
  const exact = exactTime(at);
  if (exact === '') return <>–</>;
  return <time dateTime={exact} title={exact}>{short ? clockTime(at, language) : dateTime(at, language)}</time>;
}

// A name of any length in one line, whole in its title as far as a title goes.
export function Name({ text }: { text: string | undefined }) {
  return <span className="name" title={clip(text ?? '', 300)}>{clip(text ?? '', 300)}</span>;
}

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode] | false | undefined)[] }) {
  return (
    <dl className="facts">
      {rows.map((row) => row && row[1] !== undefined && row[1] !== '' && (
        <div key={row[0]}><dt>{row[0]}</dt><dd>{row[1]}</dd></div>
      ))}
    </dl>
  );
}

export function Card({ title, children, actions }: { title: string; children: ReactNode; actions?: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <header><h2>{title}</h2>{actions}</header>
      {children}
    </section>
  );
}

export function Meter({ value, label }: { value: number; label: string }) {
  const bounded = Math.max(0, Math.min(1, value));
  const tone = bounded >= 0.9 ? 'bad' : bounded >= 0.6 ? 'warn' : 'good';
  return <meter className={`meter meter-${tone}`} min={0} max={1} value={bounded} aria-label={label} title={label} />;
}

export function Tabs({ tabs, current, label }: { tabs: readonly { id: string; text: string; href: string; count?: number }[]; current: string; label: string }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === current ? 'page' : undefined}>
          {tab.text}{tab.count !== undefined && <span className="count">{tab.count.toLocaleString('en')}</span>}
        </a>
      ))}
    </nav>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

export function Working({ text }: { text: string }) {
  return <p className="working" role="status"><span className="spinner" aria-hidden="true" />{text}</p>;
}
