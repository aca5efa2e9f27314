"use strict";
(() => {
  const place = document.getElementById("figures");
  const figures = place ? JSON.parse(place.textContent) : {};

  /* Replace the names of the style sheet's variables by their values, in what Plotly takes for a colour. */
  const coloured = (value, style, key = "") => {
    if (Array.isArray(value)) return value.map((each) => coloured(each, style));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each, style, name)]));
    }
    const variable = key.endsWith("color") && typeof value === "string" && /^var\((--[a-z-]+)\)$/.exec(value);
    return variable ? style.getPropertyValue(variable[1]).trim() : value;
  };

  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const look = {
      paper_bgcolor: "var(--paper)",
      plot_bgcolor: "var(--paper)",
      font: { color: "var(--ink)", size: 14, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: "var(--panel)", bordercolor: "var(--muted)", font: { color: "var(--ink)" }, align: "left" },
      modebar: { color: "var(--muted)", activecolor: "var(--ink)", bgcolor: "transparent" },
      margin: { l: 70, r: 20, t: 40, b: 60 },
      autosize: true,
    };
    for (const element of document.querySelectorAll("[data-figure]")) {
      const { data, layout } = coloured(figures[element.dataset.figure], style);
      Plotly.react(element, data, { ...coloured(look, style), ...layout }, {
        displaylogo: false,
        responsive: true,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      });
    }
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.body.appendChild(document.createElement("textarea"));
      area.value = text;
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };

  const status = document.getElementById("status");
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(document.getElementById(button.dataset.copy).textContent);
      button.focus();
      status.textContent = done ? "Copied" : "The browser does not allow copying: select the text instead";
      setTimeout(() => { status.textContent = ""; }, 2000);
    });
  }

  /* A link to a case shows its files. */
  const reveal = () => {
    const details = /^#case_\d+$/.test(location.hash) && document.querySelector(`${location.hash} details`);
    if (details) details.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  if (place) {
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }
})();
