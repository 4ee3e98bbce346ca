import { useEffect, useState } from 'react';
import { ProblemBox, Working } from '../components/basics';
import { PreferenceControls } from '../shell';
import { useText } from '../state/preferences';
import type { SignIn } from '../state/session';

export function SignInPage({ problem, ways, failure, leave, signIn }: SignIn) {
  const t = useText();
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${t.signIn.title} · ${t.brand}`;
  }, [t]);
  return (
    <main className="sign-in">
      <form onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        void signIn(token.trim()).finally(() => setBusy(false));
      }}>
        <h1><span className="brand-mark" aria-hidden="true" />{t.signIn.title}</h1>
        {problem && (
          <>
            {problem.signedOut && <p className="sign-in-failed">{t.signIn.failed}</p>}
            <ProblemBox problem={problem} />
          </>
        )}
        {failure && <p className="sign-in-failed" role="alert">{t.signIn.failures[failure]}</p>}
        {ways?.provider !== undefined && <button type="button" className="primary" onClick={leave}>{t.signIn.with(ways.provider)}</button>}
        {ways?.provider !== undefined && ways.localTokens && <p className="hint">{t.signIn.or}</p>}
        {ways?.localTokens !== false && <>
        <label className="field">
          <span>{t.signIn.token}</span>
          <input type="password" value={token} onChange={(event) => setToken(event.target.value)} required autoComplete="off" spellCheck={false} autoFocus aria-describedby="token-hint" />
        </label>
        <p id="token-hint" className="hint">{t.signIn.hint}</p>
        <p className="hint">{t.signIn.kept}</p>
        <button type="submit" className={ways?.provider === undefined ? 'primary' : ''} disabled={busy || token.trim() === ''}>{t.action.signIn}</button>
        </>}
        {busy && <Working text={t.signIn.working} />}
        <p className="sign-in-tools"><PreferenceControls /></p>
      </form>
    </main>
  );
}
