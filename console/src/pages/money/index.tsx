import { lazy } from 'react';
import { Tabs } from '../../components/basics';
import { routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { CarbonView } from './carbon';
import { PriceView } from './prices';

// The chart comes with the bill alone.
const BillView = lazy(() => import('./bill'));
const VIEWS = ['bill', 'prices', 'carbon'] as const;

export default function MoneyPage() {
  const t = useText();
  const { parts } = useRoute();
  const current = VIEWS.find((view) => view === parts[1]) ?? 'bill';
  return (
    <>
      <div className="page-head"><h1>{t.nav.money}</h1></div>
      <Tabs label={t.money.tabs} current={current} tabs={VIEWS.map((view) => ({ id: view, text: t.money[view], href: routeText(['money', view]) }))} />
      {current === 'bill' && <BillView />}
      {current === 'prices' && <PriceView />}
      {current === 'carbon' && <CarbonView />}
    </>
  );
}
