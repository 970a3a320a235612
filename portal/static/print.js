// A button that prints, where scripts run; without them the browser's own menu does it. Its words come from the page.
const place = document.querySelector("[data-print]"), button = document.createElement("button");
button.type = "button";
button.className = "nhsuk-button nhsuk-button--secondary";
button.textContent = place.dataset.print;
button.addEventListener("click", () => print());
place.append(button);
