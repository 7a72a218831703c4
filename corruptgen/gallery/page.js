"use strict";
(function () {
  var all = document.getElementById("all");
  var sections = Array.from(document.querySelectorAll(".row")).filter(function (row) {
    return row.querySelector(".take");
  });

  // Shows the picture number `place` of a row beside the clean one: 0 is the clean image itself, 1 the first frame.
  function show(row, place) {
    row.querySelectorAll(".take").forEach(function (take) {
      var frames = take.querySelectorAll(".frame");
      var source = place ? frames[place - 1].querySelector("img") : take.querySelector(".clean img");
      var copy = source.cloneNode(false);
      var caption = document.createElement("figcaption");
      caption.textContent = place ? "severity " + frames[place - 1].dataset.severity : "severity 0";
      var figure = take.querySelector(".shown");
      figure.replaceChildren(copy, caption);
      figure.hidden = false;
      frames.forEach(function (frame, i) {
        frame.setAttribute("aria-pressed", String(i === place - 1));
      });
    });
    var slider = row.querySelector("input[type=range]");
    var says = place ? row.querySelectorAll(".take .frame")[place - 1].dataset.says : "severity 0: the clean image";
    slider.value = place;
    slider.setAttribute("aria-valuetext", says);
    row.querySelector("output").textContent = says;
  }

  // The place of the frame whose severity is nearest, of two equally near ones the worse.
  function nearest(row, severity) {
    var best = row.querySelector(".clean") ? 0 : 1;
    var distance = best ? Infinity : severity;
    row.querySelector(".take").querySelectorAll(".frame").forEach(function (frame, i) {
      var found = Math.abs(Number(frame.dataset.severity) - severity);
      if (found <= distance) {
        distance = found;
        best = i + 1;
      }
    });
    return best;
  }

  function showAll() {
    document.getElementById("all-says").textContent = all.value;
    all.setAttribute("aria-valuetext", "severity " + all.value);
    sections.forEach(function (row) {
      show(row, nearest(row, Number(all.value)));
    });
  }

  sections.forEach(function (row) {
    var slider = row.querySelector("input[type=range]");
    row.querySelector(".control").hidden = false;
    slider.addEventListener("input", function () {
      show(row, Number(slider.value));
    });
    row.querySelectorAll(".strip").forEach(function (strip) {
      strip.querySelectorAll(".frame").forEach(function (frame, i) {
        frame.addEventListener("click", function () {
          show(row, i + 1);
        });
      });
    });
  });

  document.querySelectorAll("input[name=image]").forEach(function (choice) {
    choice.addEventListener("change", function () {
      document.querySelectorAll(".take").forEach(function (take) {
        take.hidden = take.dataset.image !== choice.value;
      });
    });
  });

  document.querySelector(".bar").hidden = false;
  all.addEventListener("input", showAll);
  showAll();
})();
