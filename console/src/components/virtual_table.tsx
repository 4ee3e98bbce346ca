import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useText } from '../state/preferences';

export interface Column<T> {
  id: string;
  title: string;
  cell: (row: T) => ReactNode;
  width: string;          // of the grid: "2fr", "8rem"
  wide?: boolean;         // left out where the screen is narrow
  figure?: boolean;       // set to the right
}

const ROW_PX = 40;
const OVERSCAN = 8;

// A table of any length of which only the rows in view exist. It is a table to assistive software too: with all row counts and
// numbers. The first cell of a row should hold its link, so that the keyboard reaches each.
export function VirtualTable<T>({ label, columns, rows, rowKey, empty, selected, height = 'fill' }: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  empty: string;
  selected?: string | undefined;
  height?: 'fill' | 'short';
}) {
  const t = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, narrow: false });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight, narrow: element.clientWidth < 620 });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  const shown = columns.filter((column) => !(view.narrow && column.wide));
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_PX) + OVERSCAN);
  const template = shown.map((column) => (/^[0-9.]+fr$/.test(column.width) ? `minmax(0, ${column.width})` : column.width)).join(' ');
  return (
    <div className={`table table-${height}`} ref={scroller} tabIndex={0} role="table" aria-label={label} aria-rowcount={rows.length + 1} aria-colcount={shown.length}>
      <div role="rowgroup" className="table-head">
        <div role="row" aria-rowindex={1} className="row" style={{ gridTemplateColumns: template }}>
          {shown.map((column) => (
            <div key={column.id} role="columnheader" className={column.figure ? 'cell figure' : 'cell'}>{column.title}</div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="table-body" style={{ height: rows.length * ROW_PX }}>
        {rows.slice(first, last).map((row, i) => {
          const key = rowKey(row);
          return (
            <div key={key} role="row" aria-rowindex={first + i + 2} aria-selected={selected === undefined ? undefined : key === selected}
              className={key === selected ? 'row selected' : 'row'} style={{ gridTemplateColumns: template, transform: `translateY(${(first + i) * ROW_PX}px)` }}>
              {shown.map((column) => (
                <div key={column.id} role="cell" className={column.figure ? 'cell figure' : 'cell'}>{column.cell(row)}</div>
              ))}
            </div>
          );
        })}
        {rows.length === 0 && <div role="row"><div role="cell" className="empty">{empty || t.list.empty}</div></div>}
      </div>
    </div>
  );
}
