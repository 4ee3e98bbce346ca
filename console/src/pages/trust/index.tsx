import { Tabs } from '../../components/basics';
import { routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { mayRun, useLive } from '../../state/session';
import { AuditView } from './audit';
import { LedgerView } from './ledger';
import { TokenView } from './tokens';

const VIEWS = ['ledger', 'audit', 'tokens'] as const;

export default function TrustPage() {
  const t = useText();
  const { parts, query } = useRoute();
  // The ledger as a whole and the tokens are the operators'.
  const { me } = useLive();
  const views = mayRun(me) ? VIEWS : VIEWS.filter((view) => view === 'audit');
  const current = views.find((view) => view === parts[1]) ?? views[0] ?? 'audit';
  return (
    <>
      <div className="page-head"><h1>{t.nav.trust}</h1></div>
      <Tabs label={t.trust.tabs} current={current} tabs={views.map((view) => ({ id: view, text: t.trust[view], href: routeText(['trust', view]) }))} />
      {current === 'ledger' && <LedgerView key={query.position ?? ''} position={query.position ?? ''} />}
      {current === 'audit' && <AuditView />}
      {current === 'tokens' && <TokenView />}
    </>
  );
}
