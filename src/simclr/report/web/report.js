"use strict";
// Turns the plots of the page into charts that answer the pointer. Without it the pictures stand.
(function () {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const dashes = { dashed: [6, 4], dotted: [2, 3], solid: [], points: [] };
  const shapes = ["rectRot", "triangle", "star", "crossRot", "cross"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = [];

  function theme() {
    const style = getComputedStyle(document.documentElement);
    return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim() };
  }
  function color(curve) {
    return dark.matches && curve.color === "#000000" ? "#ffffff" : curve.color;
  }
  // The whiskers of curves that know their error.
  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const c = chart.ctx;
      chart.data.datasets.forEach((set, index) => {
        if (!set.error || !chart.isDatasetVisible(index)) return;
        const area = chart.chartArea;
        c.save();
        c.beginPath();
        c.rect(area.left - 5, area.top, area.width + 10, area.height);
        c.clip();
        c.strokeStyle = set.borderColor;
        c.lineWidth = 1.5;
        set.data.forEach((point, i) => {
          const x = chart.scales.x.getPixelForValue(point.x);
          const low = chart.scales.y.getPixelForValue(point.y - set.error[i]);
          const high = chart.scales.y.getPixelForValue(point.y + set.error[i]);
          c.beginPath();
          c.moveTo(x, low); c.lineTo(x, high);
          c.moveTo(x - 4, low); c.lineTo(x + 4, low);
          c.moveTo(x - 4, high); c.lineTo(x + 4, high);
          c.stroke();
        });
        c.restore();
      });
    }
  };
  // A shape for each colour that bears marks; lines without marks are shown as lines.
  function shape(curve, curves) {
    if (curve.stroke === "dashed" || curve.stroke === "dotted" || curve.x.length === 0) return "line";
    return shapes[[...new Set(curves.map((c) => c.color))].indexOf(curve.color) % shapes.length];
  }
  function dataset(curve, index, curves) {
    const points = curve.stroke === "points";
    return {
      label: curve.label, error: curve.error, curve: curve,
      data: curve.x.map((x, i) => ({ x: x, y: curve.y[i] })),
      borderColor: color(curve), backgroundColor: color(curve),
      showLine: !points, borderDash: dashes[curve.stroke], borderWidth: points ? 1 : 2,
      pointStyle: shape(curve, curves),
      pointRadius: points ? 2 : curve.stroke === "solid" && curve.x.length < 60 ? 3 : 0, pointHitRadius: 6
    };
  }
  function options(plot) {
    const look = theme();
    const unit = plot.percent ? " %" : "";
    const number = (v) => Number(v.toPrecision(5)) + unit;
    const named = plot.x_names.length > 0;
    const values = new Set(plot.curves.flatMap((curve) => curve.x));
    const axis = (title) => ({ title: { display: true, text: title, color: look.ink }, ticks: { color: look.ink },
                               grid: { color: look.line } });
    const x = Object.assign(axis(plot.x_label), { type: plot.log_x ? "logarithmic" : "linear" });
    if (named) {
      Object.assign(x, { min: -0.4, max: plot.x_names.length - 0.6 });
      Object.assign(x.ticks, { stepSize: 1, autoSkip: false, callback: (v) => plot.x_names[v] || "" });
      x.afterBuildTicks = (scale) => { scale.ticks = plot.x_names.map((_, i) => ({ value: i })); };
    } else if (plot.log_x) {
      x.afterBuildTicks = (scale) => { scale.ticks = [...values].sort((a, b) => a - b).map((v) => ({ value: v })); };
      x.ticks.callback = (v) => String(v);
      Object.assign(x, { min: Math.min(...values) / 1.15, max: Math.max(...values) * 1.15 });
    }
    else if ([...values].every(Number.isInteger)) x.ticks.precision = 0;
    const reach = (sign) => plot.curves.flatMap((curve) => (curve.error || []).map((e, i) => curve.y[i] + sign * e));
    const y = axis(plot.y_label);
    if (reach(1).length) Object.assign(y, { suggestedMin: Math.min(...reach(-1)), suggestedMax: Math.max(...reach(1)) });
    y.ticks.callback = number;
    return {
      animation: false, responsive: true, maintainAspectRatio: false,
      interaction: { mode: "nearest", intersect: false },
      scales: { x: x, y: y },
      plugins: {
        title: { display: true, text: plot.title, color: look.ink },
        legend: { position: "bottom", labels: { color: look.ink, usePointStyle: true, pointStyleWidth: 24, boxHeight: 7,
          generateLabels: (chart) => Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) =>
            Object.assign(item, { lineDash: chart.data.datasets[item.datasetIndex].borderDash, lineWidth: 2 })),
          filter: (item) => item.text !== "" } },
        tooltip: { callbacks: {
          title: (items) => items.length ? (named ? plot.x_names[items[0].parsed.x] : plot.x_label + " " + items[0].parsed.x) : "",
          label: (item) => {
            const error = item.dataset.error ? " ± " + number(item.dataset.error[item.dataIndex]) : "";
            return (item.dataset.label || "training") + ": " + number(item.parsed.y) + error;
          } } }
      }
    };
  }
  function draw(plot) {
    const figure = document.getElementById("figure-" + plot.name);
    const canvas = figure.querySelector("canvas");
    figure.classList.add("live");
    charts.push(new Chart(canvas, { type: "scatter", data: { datasets: plot.curves.map(dataset) },
                                    options: options(plot), plugins: [whiskers] }));
  }
  plots.forEach(draw);
  dark.addEventListener("change", () => charts.forEach((chart, i) => {
    chart.options = options(plots[i]);
    chart.data.datasets.forEach((set) => { set.borderColor = set.backgroundColor = color(set.curve); });
    chart.update();
  }));
  document.documentElement.dataset.charts = String(charts.length);
})();
