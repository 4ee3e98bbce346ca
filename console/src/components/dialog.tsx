import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { asProblem, type Problem } from '../api/problem';
import { useText } from '../state/preferences';
import { ProblemBox } from './basics';

// A modal dialog of the platform: it holds the focus, closes on Escape and gives the focus back.
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const t = useText();
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={element} aria-labelledby={heading} onClose={onClose} onCancel={onClose}>
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" className="quiet" aria-label={t.action.close} onClick={onClose}>✕</button>
      </header>
      {children}
    </dialog>
  );
}

// Says what an action does before it is done, asks for a reason where one is kept, and shows why it failed. The action is consented
// to by the button that names it, never by the one that has the focus at first.
export function ConsentDialog({ title, children, action, danger = false, reason, act, onClose }: {
  title: string;
  children: ReactNode;
  action: string;
  danger?: boolean;
  reason?: string;
  act: (why: string) => Promise<void>;
  onClose: () => void;
}) {
  const t = useText();
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const submit = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act(why.trim());
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div className="dialog-body">{children}</div>
        {reason !== undefined && (
          <label className="field">
            <span>{reason}</span>
            <input value={why} onChange={(event) => setWhy(event.target.value)} required maxLength={500} autoComplete="off" autoFocus />
          </label>
        )}
        {problem && <ProblemBox problem={problem} />}
        <footer>
          <button type="button" onClick={onClose} autoFocus={reason === undefined}>{t.action.cancel}</button>
          <button type="submit" className={danger ? 'danger' : 'primary'} disabled={busy || (reason !== undefined && why.trim() === '')}>{action}</button>
        </footer>
      </form>
    </Dialog>
  );
}
