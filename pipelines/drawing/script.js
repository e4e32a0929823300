(function () {
  "use strict";
  var root = document.documentElement, button = document.getElementById("theme");
  function stored(value) {
    try { if (value) localStorage.setItem("theme", value); return localStorage.getItem("theme"); } catch (error) { return value || null; }
  }
  function carry(theme) {
    // A browser may give each page opened from disk a storage of its own: links to other pages take the choice along.
    document.querySelectorAll("a[href]").forEach(function (link) {
      if (link.protocol !== "file:" || link.getAttribute("href")[0] === "#") return;
      var url = new URL(link.href);
      url.searchParams.set("theme", theme);
      link.href = url.href;
    });
  }
  var asked = new URLSearchParams(location.search).get("theme");
  var theme = asked === "dark" || asked === "light" ? stored(asked) || asked : stored();
  if (theme) { root.dataset.theme = theme; carry(theme); }
  if (button) button.addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    stored(root.dataset.theme);
    carry(root.dataset.theme);
  });
  document.querySelectorAll(".sankey").forEach(function (svg) {
    var ways = JSON.parse(svg.dataset.ways), nodes = svg.querySelectorAll(".node"), bands = svg.querySelectorAll(".band"), chosen = null;
    var format = new Intl.NumberFormat(root.lang);
    var plain = Array.prototype.map.call(nodes, function (node) { return node.querySelector("tspan").textContent; });
    var labels = Array.prototype.map.call(nodes, function (node) { return node.getAttribute("aria-label"); });
    function choose(key) {
      chosen = chosen === key ? null : key;
      svg.classList.toggle("chosen", chosen !== null);
      var through = {}, links = {};
      if (chosen !== null) ways.forEach(function (way) {
        if (way.indexOf(+chosen, 1) < 0) return;
        for (var i = 1; i < way.length; i++) {
          through[way[i]] = (through[way[i]] || 0) + way[0];
          if (i > 1) links[way[i - 1] + ">" + way[i]] = true;
        }
      });
      nodes.forEach(function (node, index) {
        var key = node.dataset.k;
        node.classList.toggle("on", key in through);
        node.setAttribute("aria-pressed", String(key === chosen));
        var shown = chosen !== null && key in through ? format.format(through[key]) : plain[index];
        node.querySelector("tspan").textContent = shown;
        node.setAttribute("aria-label", labels[index].replace(plain[index], shown));
      });
      bands.forEach(function (band) { band.classList.toggle("on", links[band.dataset.s + ">" + band.dataset.t] === true); });
    }
    nodes.forEach(function (node) {
      node.addEventListener("click", function () { choose(node.dataset.k); });
      node.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node.dataset.k); }
        if (event.key === "Escape" && chosen !== null) choose(chosen);
      });
    });
  });
})();
