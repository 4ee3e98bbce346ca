import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ProblemBox, Working } from '../../components/basics';
import { useText } from '../../state/preferences';
import { useLive, useRows } from '../../state/session';
import { dialogueOf, pieces, type Turn } from './dialogue';
import { WishCard } from './wish';

const BYTES_MAX = 4096;

export default function AskPage() {
  const t = useText();
  const { client, domain } = useLive();
  const dialogue = dialogueOf(client);
  const turns = useSyncExternalStore(dialogue.subscribe, () => dialogue.turns);
  const busy = useSyncExternalStore(dialogue.subscribe, () => dialogue.busy);
  const unrecorded = useSyncExternalStore(dialogue.subscribe, () => dialogue.unrecorded);
  const tenants = useRows(domain.tenants);
  const [text, setText] = useState('');
  const [tenant, setTenant] = useState('');
  const [name, setName] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  const newest = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Newer browsers return a promise, which is no clean-up.
    void newest.current?.scrollIntoView({ block: 'start' });
  }, [turns]);

  const ask = (sentence: string) => {
    const trimmed = sentence.trim();
    if (trimmed === '' || busy) return;
    setText('');
    void dialogue.ask(trimmed, tenant, name.trim());
  };
  return (
    <>
      <div className="page-head">
        <h1>{t.ask.title}</h1>
        {turns.length > 0 && <button type="button" onClick={() => { dialogue.clear(); box.current?.focus(); }} disabled={busy}>{t.ask.again}</button>}
      </div>
      <div className="dialogue" aria-live="polite">
        {turns.map((turn, i) => (
          <div key={i} ref={i === turns.length - 1 ? newest : undefined}>
            <Said turn={turn} last={i === turns.length - 1} onRetry={() => ask(turn.text)} />
          </div>
        ))}
        {busy && <Working text={t.ask.thinking} />}
        {unrecorded && <p className="muted" role="status">{t.labelled(t.ask.unrecorded, unrecorded.what)}</p>}
      </div>
      <form className="ask-form" onSubmit={(event) => { event.preventDefault(); ask(text); }}>
        <div className="ask-line">
          <textarea
            ref={box}
            data-filter
            rows={2}
            value={text}
            maxLength={BYTES_MAX}
            placeholder={t.ask.placeholder}
            aria-label={t.ask.title}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              // While an input method composes, Enter is its own.
              if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              ask(text);
            }}
          />
          <button type="submit" className="primary" disabled={busy || text.trim() === ''}>{t.ask.send}</button>
        </div>
        <details>
          <summary>{t.labelled(t.ask.tenant, tenant === '' ? t.ask.noTenant : tenant)}</summary>
          <div className="row-form">
            <label className="field"><span>{t.ask.tenant}</span>
              <input value={tenant} onChange={(event) => setTenant(event.target.value)} placeholder={t.ask.noTenant} list="tenants" autoComplete="off" />
            </label>
            <datalist id="tenants">{tenants.slice(0, 1000).map((one) => <option key={one.metadata.name} value={one.metadata.name} />)}</datalist>
            <label className="field"><span>{t.ask.name}</span>
              <input value={name} onChange={(event) => setName(event.target.value)} placeholder={t.ask.optional} autoComplete="off" />
            </label>
          </div>
          <p className="muted">{t.ask.hint}</p>
        </details>
      </form>
      {turns.length === 0 && (
        <section className="stack" aria-label={t.ask.examples}>
          <h2>{t.ask.examples}</h2>
          <ul className="plain">
            {t.ask.example.map((each) => <li key={each}><button type="button" className="example" onClick={() => { setText(each); box.current?.focus(); }}>{each}</button></li>)}
          </ul>
        </section>
      )}
    </>
  );
}

// A sentence with the words that were understood, and below it what it asks for.
function Said({ turn, last, onRetry }: { turn: Turn; last: boolean; onRetry: () => void }) {
  const t = useText();
  const wishes = turn.answer?.wishes ?? [];
  const fields = wishes.flatMap((wish) => wish.fields ?? []);
  return (
    <section className="said" aria-label={t.labelled(t.ask.sentence, turn.text.slice(0, 80))}>
      <p className="utterance">
        {pieces(turn.text, fields).map((piece, i) => (piece.label === undefined ? <span key={i}>{piece.text}</span> : <mark key={i} title={piece.label}>{piece.text}</mark>))}
      </p>
      {turn.problem && <ProblemBox problem={turn.problem} onRetry={last ? onRetry : undefined} />}
      {wishes.map((wish, i) => <WishCard key={i} wish={wish} />)}
    </section>
  );
}
