import { Tabs } from '../../components/basics';
import { routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { IntentPage } from './intent';
import { IntentList, JobList } from './intent_list';
import { QueueList } from './queues';
import { RunList } from './runs';
import { RunPage } from './run';
import { WorkflowList, WorkflowPage } from './workflows';

const LISTS = ['intents', 'jobs', 'workflows', 'runs', 'queues'] as const;

export default function WorkPage() {
  const t = useText();
  const { parts } = useRoute();
  const [, what = 'intents', first = '', second = ''] = parts;
  if (what === 'intent') return <IntentPage key={`${first}/${second}`} tenant={first} name={second} />;
  if (what === 'workflow') return <WorkflowPage key={`${first}/${second}`} tenant={first} name={second} />;
  if (what === 'run') return <RunPage key={first} id={first} />;
  const current = LISTS.find((list) => list === what) ?? 'intents';
  return (
    <>
      <div className="page-head"><h1>{t.nav.work}</h1></div>
      <Tabs label={t.work.tabs} current={current} tabs={LISTS.map((list) => ({ id: list, text: t.work[list], href: routeText(['work', list]) }))} />
      {current === 'intents' && <IntentList />}
      {current === 'jobs' && <JobList />}
      {current === 'workflows' && <WorkflowList />}
      {current === 'runs' && <RunList />}
      {current === 'queues' && <QueueList />}
    </>
  );
}
