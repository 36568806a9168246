// Draws a bar chart of ratios: for each algorithm and mix, one bar per gateway, with jose at 1. It
// is legible on light and on dark backgrounds.

const BAR = 11;
const GAP = 14;
const LEFT = 110;
const WIDTH = 760;
const SCALE = (WIDTH - LEFT - 60) / 2;
/** @type {Record<string, string>} */
const COLORS = {
  portcullis: "#c2410c",
  jose: "#64748b",
  hono: "#94a3b8",
  tsndr: "#cbd5e1",
  "pass-through": "#e2e8f0",
};

/**
 * @param {{label: string, bars: {name: string, ratio: number}[]}[]} groups
 * @param {Record<string, string>} titles by the names of the gateways
 */
export function chart(groups, titles) {
  const shapes = [];
  let y = 44;
  for (const { label, bars } of groups) {
    shapes.push(
      `<text class="label" x="${LEFT - 8}" y="${y + (bars.length * BAR) / 2 + 4}">${label}</text>`,
    );
    for (const { name, ratio } of bars) {
      const width = Math.round(ratio * SCALE);
      shapes.push(
        `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" fill="${COLORS[name]}"/>`,
      );
      shapes.push(
        `<text class="value" x="${LEFT + width + 4}" y="${y + BAR - 3}">${ratio.toFixed(2)}</text>`,
      );
      y += BAR;
    }
    y += GAP;
  }
  const legend = Object.entries(COLORS).map(([name, color], index) => {
    const x = LEFT + index * 128;
    return `<rect x="${x}" y="14" width="10" height="10" fill="${color}"/><text class="legend" x="${x + 14}" y="23">${titles[name]}</text>`;
  });
  const one = LEFT + SCALE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Requests per second relative to jose">
<style>text { font: 10px system-ui, sans-serif; fill: #334155 } .label { text-anchor: end; font-size: 12px } @media (prefers-color-scheme: dark) { text { fill: #cbd5e1 } }</style>
${legend.join("\n")}
<line x1="${one}" x2="${one}" y1="34" y2="${y}" stroke="#94a3b8" stroke-dasharray="3 3"/>
${shapes.join("\n")}
</svg>
`;
}
