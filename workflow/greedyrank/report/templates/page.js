"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const form = document.querySelector(".filters");
  const field = (name) => form.elements[name];
  const figures = all("article.figure").map((element) => ({
    element,
    paper: element.closest(".paper").dataset.paper,
    text: element.textContent.toLowerCase(),
    thumbnail: document.querySelector(`a[data-figure="${element.dataset.figure}"]`),
    claims: all(".claim", element),
  }));

  // -- filters and search --------------------------------------------------------------------------

  function filter() {
    const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [paper, verdict, basis] = ["paper", "verdict", "basis"].map((name) => field(name).value);
    let shownFigures = 0;
    let shownClaims = 0;
    for (const figure of figures) {
      let claims = 0;
      for (const claim of figure.claims) {
        claim.hidden = Boolean((verdict && claim.dataset.verdict !== verdict) || (basis && claim.dataset.basis !== basis));
        claims += !claim.hidden;
      }
      const shown = (!paper || figure.paper === paper) && words.every((word) => figure.text.includes(word)) &&
        (!(verdict || basis) || claims > 0);
      figure.element.hidden = figure.thumbnail.hidden = !shown;
      shownFigures += shown;
      shownClaims += shown ? claims : 0;
    }
    for (const section of all("[data-paper]")) {
      section.hidden = !figures.some((figure) => figure.paper === section.dataset.paper && !figure.element.hidden);
    }
    document.querySelector(".nothing").hidden = shownFigures > 0;
    form.querySelector(".found").textContent = `${shownFigures} of ${figures.length} figures, ${shownClaims} claims`;
  }

  function clear() {
    form.reset();
    filter();
  }

  // A permalink leads to what it names, whatever is filtered.
  function follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) clear();
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".clear").addEventListener("click", clear);
  addEventListener("hashchange", follow);

  // -- keys ------------------------------------------------------------------------------------------

  function step(by) {
    const shown = figures.map((figure) => figure.element).filter((element) => !element.hidden);
    const margin = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
    const tops = shown.map((element) => element.getBoundingClientRect().top - margin);
    const next = by > 0 ? tops.findIndex((top) => top > 1) : tops.findLastIndex((top) => top < -1);
    if (next >= 0) location.hash = `#${shown[next].id}`;
  }

  document.querySelector(".keys").hidden = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return clear();
    if (event.target.matches("input, select, textarea")) return;
    if (event.key === "/") {
      event.preventDefault();
      field("text").focus();
    } else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
  });

  // -- interactive twins: the library and the data of a figure come when one is opened -----------------------------

  const twins = new Map();
  window.greedyrankTwin = (name, content) => twins.set(name, content);
  const scripts = new Map();
  function load(address) {
    if (!scripts.has(address)) {
      scripts.set(address, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${address} is missing beside this page`));
        document.head.append(script);
      }));
    }
    return scripts.get(address);
  }

  // Panels below each other where there is no room beside each other. A legend keeps its place in its panel.
  function arranged({ data, layout, height }, width) {
    const made = structuredClone(layout);
    const narrow = width < 640;
    const panels = Object.keys(made).filter((key) => key.startsWith("xaxis"));
    const rows = panels.map((x) => {
      const ys = Object.keys(made).filter((key) => key.startsWith("yaxis") && made[key].anchor === x.replace("axis", ""));
      return { x: made[x], ys: ys.map((key) => made[key]), old: [made[x].domain, made[ys[0]].domain] };
    });
    if (narrow) {
      const share = 1 / rows.length;
      const gap = (110 / 330) * share;
      rows.forEach(({ x, ys }, row) => {
        x.domain = [0.13, ys.length > 1 ? 0.86 : 0.97];
        for (const y of ys) y.domain = [1 - (row + 1) * share + gap, 1 - row * share - 0.3 * gap];
      });
      for (const legend of Object.keys(made).filter((key) => key.startsWith("legend"))) {
        const home = rows.find(({ old: [x, y] }) => made[legend].x >= x[0] - 0.02 && made[legend].x <= x[1] && made[legend].y >= y[0] && made[legend].y <= y[1] + 0.05);
        const place = (value, from, to) => to[0] + ((value - from[0]) / (from[1] - from[0])) * (to[1] - to[0]);
        if (home) {
          made[legend].x = place(made[legend].x, home.old[0], home.x.domain);
          made[legend].y = place(made[legend].y, home.old[1], home.ys[0].domain);
        }
      }
      made.annotations = made.annotations.filter((annotation) => annotation.xref !== "paper");
    }
    return { ...made, width, height: 28 + (narrow ? 330 * rows.length : width * height) };
  }

  const axis = { ticks: "outside", showline: true, linecolor: "#333", zeroline: false, showgrid: false, automargin: false };
  async function open(button) {
    const name = button.dataset.twin;
    const place = document.getElementById(`twin/${name}`);
    const opening = place.hidden;
    place.hidden = !opening;
    button.setAttribute("aria-expanded", opening);
    if (!opening || place.dataset.drawn) return;
    place.textContent = "Loading …";
    try {
      await Promise.all([load("plotly.min.js"), load(`figures/${name}.js`)]);
      const twin = twins.get(name);
      if (twin.lacking) throw new Error(twin.lacking);
      const layout = arranged(twin, place.clientWidth);
      for (const key of Object.keys(layout)) {
        if (/^[xy]axis/.test(key)) layout[key] = { ...axis, ...layout[key] };
      }
      place.textContent = "";
      await Plotly.newPlot(place, twin.data, {
        ...layout,
        font: { size: 11, color: "#1b1f23" },
        margin: { l: 0, r: 0, t: 28, b: 0 },
        paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest", hoverlabel: { namelength: -1 },
      }, { displaylogo: false, responsive: false });
      place.dataset.drawn = "yes";
    } catch (error) {
      place.textContent = error.message;
    }
  }
  for (const button of all("button[data-twin]")) {
    button.parentElement.hidden = false;
    button.addEventListener("click", () => open(button));
  }

  // -- light and dark --------------------------------------------------------------------------------

  const themes = ["auto", "light", "dark"];
  const themeButton = form.querySelector(".theme");
  // A browser may refuse storage to files: then the choice lasts as long as the page.
  const stored = (...value) => {
    try {
      return value.length ? localStorage.setItem("theme", value[0]) : localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    themeButton.textContent = `Theme: ${theme}`;
  }
  setTheme(themes.includes(stored()) ? stored() : "auto");
  themeButton.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    setTheme(next);
    stored(next);
  });

  filter();
  follow();
})();
