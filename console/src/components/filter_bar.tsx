import { useText } from '../state/preferences';

// Text to look for and states to keep; both stand in the address, so that a view can be passed on.
export function FilterBar({ text, onText, states, state, onState, shown, total, labels }: {
  text: string;
  onText: (text: string) => void;
  states?: readonly string[];
  state?: string;
  onState?: (state: string) => void;
  shown: number;
  total: number;
  labels?: Record<string, string>;
}) {
  const t = useText();
  const words: Record<string, string> = labels ?? t.state;
  return (
    <div className="filter" role="search">
      <input type="search" data-filter="" value={text} onChange={(event) => onText(event.target.value)} placeholder={t.list.filter} aria-label={t.list.filter} />
      {states && onState && (
        <select value={state ?? ''} onChange={(event) => onState(event.target.value)} aria-label={t.list.state}>
          <option value="">{t.list.allStates}</option>
          {states.map((each) => <option key={each} value={each}>{words[each] ?? each}</option>)}
        </select>
      )}
      <span className="filter-count" role="status">{t.list.shown(shown.toLocaleString('en'), total.toLocaleString('en'))}</span>
    </div>
  );
}
