import { useEffect, useMemo, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import type { IssuedToken, Token } from '../../api/types';
import { Name, ProblemBox, StateChip, Time, Working } from '../../components/basics';
import { ConsentDialog, Dialog } from '../../components/dialog';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { replaceQuery, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { useAnswer, useLive } from '../../state/session';

const STATES = ['good', 'used', 'expired', 'revoked'];
const ROLES = ['ROLE_TENANT', 'ROLE_PROVIDER', 'ROLE_OPERATOR'] as const;
const HOUR_US = 3_600_000_000n;
const LIFETIMES_HOURS = [1, 8, 24, 168, 720, 2160] as const;

export function TokenView() {
  const t = useText();
  const live = useLive();
  const { query } = useRoute();
  const [answer, again] = useAnswer(() => live.client.all('token'), []);
  const [issuing, setIssuing] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  useEffect(() => live.onEvents((events) => {
    if (events.some((event) => event.name?.startsWith('Token'))) again();
  }), [live]);
  const rows = answer.state === 'ready' ? answer.value : [];
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((token) => (text === '' || `${token.token} ${token.subject}`.toLowerCase().includes(text)) && (!query.state || token.state === query.state)),
    [rows, text, query.state],
  );
  const columns: Column<Token>[] = [
    { id: 'subject', title: t.column.subject, width: '1.4fr', cell: (token) => <Name text={token.subject} /> },
    { id: 'role', title: t.column.role, width: '6rem', cell: (token) => (token.join ? t.trust.join : t.trust.roles[token.role ?? ''] ?? token.role) },
    { id: 'state', title: t.column.state, width: '6rem', cell: (token) => <StateChip state={token.state} /> },
    { id: 'token', title: t.column.token, width: '10rem', wide: true, cell: (token) => <span className="mono">{token.token}</span> },
    { id: 'issued', title: t.column.issued, width: '11rem', wide: true, cell: (token) => <Time at={token.issued} /> },
    { id: 'expires', title: t.column.expires, width: '11rem', wide: true, cell: (token) => <Time at={token.expires} /> },
    { id: 'action', title: t.column.action, width: '5.5rem', cell: (token) => token.state === 'good' && <button type="button" onClick={() => setRevoking(token)}>{t.trust.revoke}</button> },
  ];
  const change = (next: Record<string, string>) => replaceQuery(['trust', 'tokens'], { ...query, ...next });
  return (
    <>
      <div className="page-head"><button type="button" className="primary" onClick={() => setIssuing(true)}>{t.trust.issue}</button></div>
      {answer.state === 'loading' && <Working text={t.loading.page} />}
      {answer.state === 'failed' && <ProblemBox problem={answer.problem} onRetry={again} />}
      {answer.state === 'ready' && (
        <>
          <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
          <VirtualTable label={t.trust.tokens} columns={columns} rows={shown} rowKey={(token) => token.token ?? ''} empty={rows.length === 0 ? t.trust.noTokens : t.list.nothing} />
        </>
      )}
      {issuing && <IssueDialog onClose={() => setIssuing(false)} />}
      {revoking && (
        <ConsentDialog title={t.trust.revokeTitle(revoking.token ?? '')} action={t.trust.revoke} danger onClose={() => setRevoking(undefined)}
          act={async () => { await live.client.revokeToken(revoking.token ?? ''); again(); }}>
          <p>{revoking.join ? t.trust.join : t.trust.roles[revoking.role ?? '']}: <strong>{revoking.subject}</strong></p>
          <p>{t.trust.revokeText}</p>
        </ConsentDialog>
      )}
    </>
  );
}

function IssueDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const { client } = useLive();
  const [join, setJoin] = useState(false);
  const [role, setRole] = useState<string>(ROLES[0]);
  const [subject, setSubject] = useState('');
  const [hours, setHours] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [issued, setIssued] = useState<IssuedToken>();
  if (issued !== undefined) return <IssuedDialog issued={issued} onClose={onClose} />;
  const submit = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      setIssued(await client.issueToken({ join, subject: subject.trim(), lifetimeUs: (BigInt(hours) * HOUR_US).toString(), ...(join ? {} : { role }) }));
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const subjects: Record<string, string> = t.trust.subject;
  return (
    <Dialog title={t.trust.issue} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <label className="field">
          <span>{t.trust.issueFor}</span>
          <select value={join ? 'join' : 'user'} onChange={(event) => setJoin(event.target.value === 'join')}>
            <option value="user">{t.trust.forUser}</option>
            <option value="join">{t.trust.forSite}</option>
          </select>
        </label>
        {!join && (
          <label className="field">
            <span>{t.trust.role}</span>
            <select value={role} onChange={(event) => setRole(event.target.value)}>
              {ROLES.map((each) => <option key={each} value={each}>{t.trust.roles[each]}</option>)}
            </select>
          </label>
        )}
        <label className="field">
          <span>{subjects[join ? 'join' : role]}</span>
          <input value={subject} onChange={(event) => setSubject(event.target.value)} required autoComplete="off" spellCheck={false} />
        </label>
        <label className="field">
          <span>{t.trust.lifetime}</span>
          <select value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            <option value={0}>{t.trust.otherwise}</option>
            {LIFETIMES_HOURS.map((each) => <option key={each} value={each}>{each < 24 ? t.trust.hours(each) : t.trust.days(each / 24)}</option>)}
          </select>
        </label>
        {problem && <ProblemBox problem={problem} />}
        <footer>
          <button type="button" onClick={onClose}>{t.action.cancel}</button>
          <button type="submit" className="primary" disabled={busy || subject.trim() === ''}>{t.trust.issue}</button>
        </footer>
      </form>
    </Dialog>
  );
}

function IssuedDialog({ issued, onClose }: { issued: IssuedToken; onClose: () => void }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  return (
    <Dialog title={t.trust.issue} onClose={onClose}>
      <div className="dialog-body stack">
        <p><strong>{t.trust.bearer}</strong></p>
        <p className="hash" data-bearer="">{issued.bearer}</p>
        <p>{t.trust.authority}</p>
        <p className="hash">{issued.ca_sha256}</p>
        <p className="links-line">
          <button type="button" className="primary" onClick={() => void navigator.clipboard.writeText(issued.bearer ?? '').then(() => setCopied(true), () => undefined)}>
            {copied ? t.action.copied : t.action.copy}
          </button>
          <button type="button" onClick={onClose}>{t.action.close}</button>
        </p>
      </div>
    </Dialog>
  );
}
