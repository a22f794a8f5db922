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
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".clear").addEventListener("click", clear);
  addEventListener("hashchange", follow);

  // -- keys ------------------------------------------------------------------------------------------

  function step(by) {
    const shown = figures.map((figure) => figure.element).filter((element) => !element.hidden);
    const margin = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) + 2;
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
