"use strict";
(() => {
  const data = window.replay;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const day = 86400, hour = 3600;
  const span = (s) => {
    if (s === null || s === undefined) return "";
    const sign = s < 0 ? "-" : "";
    s = Math.abs(s);
    if (s >= day) return sign + Math.floor(s / day) + " d " + Math.round((s % day) / hour) + " h";
    if (s >= hour) return sign + Math.floor(s / hour) + " h " + Math.round((s % hour) / 60) + " min";
    if (s >= 60) return sign + Math.floor(s / 60) + " min " + Math.round(s % 60) + " s";
    return sign + (s >= 10 ? Math.round(s) : Math.round(s * 1000) / 1000) + " s";
  };
  const tick = (s, step) => step >= day ? Math.round(s / day) + " d" : step >= hour ? +(s / hour).toFixed(1) + " h"
    : step >= 60 ? Math.round(s / 60) + " min" : +s.toFixed(3) + " s";
  const nice = [1, 2, 5, 10, 30, 60, 300, 600, 1800, hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 5 * day, 10 * day,
    20 * day, 50 * day, 100 * day, 200 * day, 500 * day, 1000 * day, 2000 * day, 5000 * day, 10000 * day, 50000 * day];
  const number = (v) => v === null || v === undefined ? "" : Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en")
    : String(+v.toPrecision(4));
  const drawings = [];

  const chart = (id, unit, lines) => {
    const box = document.getElementById(id);
    const draw = () => {
      box.textContent = "";
      const axis = { stroke: css("--dim"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
      const value = unit === "%" ? (v) => v === null ? "" : +(100 * v).toPrecision(3) + " %"
        : unit === "time" ? span : (v) => v === null ? "" : number(v) + (unit ? " " + unit : "");
      new uPlot({
        width: box.clientWidth - 18, height: 210,
        scales: { x: { time: false }, y: unit === "%" ? { range: [0, 1.02] } : { range: (u, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
        cursor: { sync: { key: "replay" } },
        axes: [{ ...axis, incrs: nice, values: (u, at, x, y, step) => at.map((s) => tick(s, step)), space: 80 },
               { ...axis, size: 74, ...(unit === "time" ? { incrs: nice } : {}), values: (u, at) => at.map((v) => unit === "time" ? span(v) : unit === "%" ? Math.round(100 * v) + " %" : number(v)) }],
        series: [{ label: "at", value: (u, s) => span(s) },
                 // What is known of single moments only is points.
                 ...lines.map(([label, , color]) => ({ label, stroke: css(color), width: 1.5,
                   ...(unit === "time" ? { paths: () => null, points: { show: true, size: 4, fill: css(color) } }
                     : { points: { show: false }, fill: lines.length === 1 ? css("--fill") : undefined }),
                   value: (u, v) => value(v) }))],
      }, [data.at, ...lines.map(([, values]) => values)], box);
    };
    drawings.push(draw);
    draw();
  };

  for (const c of data.charts) chart(c.id, c.unit, c.lines.map((l, i) => [l.label, l.values, ["--a", "--b", "--c", "--d"][i]]));

  // Bars in the first lane that is free, so that overlapping jobs stand below each other.
  const gantt = document.getElementById("gantt");
  if (gantt && data.bars.length) {
    const bars = data.bars.slice().sort((a, b) => a[1] - b[1]);
    const ends = [];
    for (const bar of bars) {
      let lane = ends.findIndex((end) => end <= bar[1]);
      if (lane < 0) lane = ends.length;
      ends[lane] = bar[2];
      bar.lane = lane;
    }
    const first = data.at[0], last = Math.max(...bars.map((b) => b[2]), first + 1);
    const hint = document.getElementById("gantt-hint");
    let left = 0, scale = 1, lanes = 1;
    const draw = () => {
      const ratio = window.devicePixelRatio || 1, width = gantt.clientWidth, height = gantt.clientHeight;
      gantt.width = width * ratio;
      gantt.height = height * ratio;
      const to = gantt.getContext("2d");
      to.scale(ratio, ratio);
      to.font = "12px system-ui, sans-serif";
      left = 8;
      lanes = ends.length;
      scale = (width - 2 * left) / (last - first);
      const bottom = height - 22, lane = bottom / lanes;
      const step = nice.find((n) => n * scale > 80) || nice[nice.length - 1];
      to.strokeStyle = css("--line");
      to.fillStyle = css("--dim");
      for (let s = Math.ceil(first / step) * step; s <= last; s += step) {
        const x = left + (s - first) * scale;
        to.beginPath();
        to.moveTo(x, 0);
        to.lineTo(x, bottom);
        to.stroke();
        to.fillText(tick(s, step), Math.min(x + 2, width - 48), height - 6);
      }
      const colors = ["--a", "--b", "--c", "--d"].map(css);
      for (const bar of bars) {
        to.fillStyle = colors[bar[4] % 4];
        to.fillRect(left + (bar[1] - first) * scale, bar.lane * lane, Math.max(1, (bar[2] - bar[1]) * scale - 0.5),
          Math.max(1, lane - (lane > 3 ? 1 : 0)));
      }
    };
    gantt.addEventListener("mousemove", (event) => {
      const box = gantt.getBoundingClientRect();
      const s = first + (event.clientX - box.left - left) / scale;
      const lane = Math.floor((event.clientY - box.top) / (box.height - 22) * lanes);
      const bar = bars.find((b) => b.lane === lane && b[1] <= s && s < b[2]);
      hint.textContent = bar ? "job " + bar[5] + ": waited " + span(bar[1] - bar[0]) + ", ran " + span(bar[2] - bar[1]) +
        " on " + number(bar[3]) + " cores" + (data.sites[bar[6]] ? " at " + data.sites[bar[6]] : "") : "\u00a0";
    });
    drawings.push(draw);
    draw();
  }

  const again = () => drawings.forEach((draw) => draw());
  let waiting = 0;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();
