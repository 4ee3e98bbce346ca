import { Tabs } from '../../components/basics';
import { routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { AuditView } from './audit';
import { LedgerView } from './ledger';
import { TokenView } from './tokens';

const VIEWS = ['ledger', 'audit', 'tokens'] as const;

export default function TrustPage() {
  const t = useText();
  const { parts, query } = useRoute();
  const current = VIEWS.find((view) => view === parts[1]) ?? 'ledger';
  return (
    <>
      <div className="page-head"><h1>{t.nav.trust}</h1></div>
      <Tabs label={t.trust.tabs} current={current} tabs={VIEWS.map((view) => ({ id: view, text: t.trust[view], href: routeText(['trust', view]) }))} />
      {current === 'ledger' && <LedgerView key={query.position ?? ''} position={query.position ?? ''} />}
      {current === 'audit' && <AuditView />}
      {current === 'tokens' && <TokenView />}
    </>
  );
}
