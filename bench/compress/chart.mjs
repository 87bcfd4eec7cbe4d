// A chart with two logarithmic axes as SVG.

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 440, 64, 190, 16, 48];
const COLOURS = ["#777777", "#111111", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2"];
const MARKS = 1.1; // room around the outermost points, as a factor
const SAME = 1.001; // sizes that differ by less, as a factor, are one

const text = (x, y, words, attributes = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${words}</text>`;

function axis(values, from, to) {
  const low = Math.log(Math.min(...values) / MARKS);
  const high = Math.log(Math.max(...values) * MARKS);
  return {
    at: (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from),
    holds: (value) => Math.log(value) >= low && Math.log(value) <= high,
  };
}

/** Those that no smaller file beats, by size: types of one size differ, and a line through all of them would go up and down. */
function best(points) {
  const least = [];
  for (const point of [...points].sort((a, b) => a[0] - b[0])) {
    if (least.length === 0 || point[1] < least.at(-1)[1]) {
      if (least.length > 0 && point[0] / least.at(-1)[0] < SAME) least.pop();
      least.push(point);
    }
  }
  return least;
}

/** A mark for each point, and a line through the best of each size. series: [{ name, points: [[x, y], ...] }]; x and y: { label, ticks: [[value, text], ...] } */
export function chart(series, x, y) {
  const shown = series.filter((one) => one.points.length > 0);
  const all = shown.flatMap((one) => one.points);
  const across = axis(all.map((p) => p[0]), LEFT, WIDTH - RIGHT);
  const up = axis(all.map((p) => p[1]), HEIGHT - BOTTOM, TOP);
  const parts = [];
  for (const [value, words] of x.ticks.filter(([value]) => across.holds(value))) {
    const at = across.at(value).toFixed(1);
    parts.push(`<path d="M${at} ${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>`, text(across.at(value), HEIGHT - BOTTOM + 18, words, 'text-anchor="middle"'));
  }
  for (const [value, words] of y.ticks.filter(([value]) => up.holds(value))) {
    const at = up.at(value).toFixed(1);
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>`, text(LEFT - 6, up.at(value) + 4, words, 'text-anchor="end"'));
  }
  parts.push(`<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#777"/>`);
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x.label, 'text-anchor="middle"'));
  parts.push(text(0, 0, y.label, `text-anchor="middle" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`));
  shown.forEach((one, i) => {
    const place = (p) => [across.at(p[0]).toFixed(1), up.at(p[1]).toFixed(1)];
    const colour = COLOURS[i % COLOURS.length];
    parts.push(`<path d="M${best(one.points).map((p) => place(p).join(" ")).join("L")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`);
    parts.push(...one.points.map(place).map(([a, b]) => `<circle cx="${a}" cy="${b}" r="3" fill="${colour}"/>`));
    const top = TOP + 12 + 20 * i;
    parts.push(`<path d="M${WIDTH - RIGHT + 14} ${top - 4}h18" stroke="${colour}" stroke-width="3"/>`, text(WIDTH - RIGHT + 38, top, one.name));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
