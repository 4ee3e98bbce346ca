import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { usePreferences } from '../state/preferences';

export interface Series {
  label: string;
  values: (number | null)[];
}

const COLOURS_LIGHT = ['#0b6b75', '#b4540a', '#5b47b0', '#2f7d32', '#a3245f', '#4a6076'];
const COLOURS_DARK = ['#4fc3cf', '#f0a05a', '#a99bf0', '#7fcf83', '#f08cb8', '#9fb6cc'];

// Values over time, seconds since the Unix epoch. The table beside it says the same in exact figures.
export function TimeChart({ times, series, unit, label }: { times: number[]; series: readonly Series[]; unit: string; label: string }) {
  const { dark, language } = usePreferences();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null || times.length === 0) return;
    const colours = dark ? COLOURS_DARK : COLOURS_LIGHT;
    const text = dark ? '#c3ced6' : '#3b4750';
    const grid = dark ? '#2c363d' : '#e2e8eb';
    const axis: uPlot.Axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const clock = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 220,
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
        axes: [
          { ...axis, space: 90, values: (_plot, ticks) => ticks.map((tick) => clock.format(tick * 1000)) },
          { ...axis, size: 70, label: unit, labelSize: 20 },
        ],
        series: [
          { value: (_plot, at: number | null) => (at === null ? '–' : clock.format(at * 1000)) },
          ...series.map((each, i): uPlot.Series => ({
            label: each.label,
            stroke: colours[i % colours.length] ?? text,
            width: 2,
            points: { show: times.length < 30, size: 5 },
          })),
        ],
      },
      [times, ...series.map((each) => each.values)],
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 220 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, series, unit, dark, language]);
  return <div className="chart" role="img" aria-label={label} ref={box} />;
}
