import { Card, Empty, Name, StateChip } from '../../components/basics';
import { clip } from '../../format/units';
import { useText } from '../../state/preferences';
import type { AlarmGroup } from './alarms';

const SHOWN_MAX = 30;

export function AlarmView({ groups }: { groups: readonly AlarmGroup[] }) {
  const t = useText();
  if (groups.length === 0) return <Empty>✓ {t.operate.calm}</Empty>;
  return (
    <div className="grid">
      {groups.map(({ kind, alarms }) => (
        <Card key={kind} title={`${t.operate[kind]} (${alarms.length.toLocaleString('en')})`}>
          <ul className="plain">
            {alarms.slice(0, SHOWN_MAX).map((alarm) => (
              <li key={alarm.name} className="alarm-line">
                <a href={alarm.href}><Name text={alarm.name} /></a>
                <StateChip state={alarm.state} />
                {alarm.why !== '' && <span className="muted">{clip(alarm.why, 400)}</span>}
              </li>
            ))}
          </ul>
          {alarms.length > SHOWN_MAX && <p className="muted">{t.operate.more(alarms.length - SHOWN_MAX)}</p>}
        </Card>
      ))}
    </div>
  );
}
