// What a page does beyond HTML. Every page works without it. Words come from the page, never from here.
const page = document.documentElement, body = document.body, find = (what) => document.querySelector(what);

const problems = find("[data-module=nhsuk-error-summary]");
if (problems) {
  problems.tabIndex = -1;
  problems.focus();
}

// "None of these" unticks the others, and the other way round.
addEventListener("change", ({ target }) => {
  if (target.type !== "checkbox" || !target.checked) return;
  const alone = "[data-behaviour=exclusive]";
  for (const other of document.getElementsByName(target.name))
    if (other !== target && (target.matches(alone) || other.matches(alone))) other.checked = false;
});

// Characters left, in the page's language and its plural forms.
for (const box of document.querySelectorAll("[data-maxlength]")) {
  const field = box.querySelector("textarea,input"), shown = box.querySelector("[id$='-info']");
  if (!field || !shown) continue;
  const spoken = shown.cloneNode(), first = shown.textContent;
  spoken.removeAttribute("id");
  spoken.className = "nhsuk-u-visually-hidden";
  spoken.setAttribute("aria-live", "polite");
  shown.after(spoken);
  let later;
  const count = () => {
    // Counted like the server does: by characters, not by UTF-16 units.
    const left = box.dataset.maxlength - [...field.value].length, many = Math.abs(left);
    const say = (form) => box.getAttribute(`data-i18n.characters-${left < 0 ? "over" : "under"}-limit.${form}`);
    const words = say(new Intl.PluralRules(page.lang).select(many)) || say("other");
    shown.textContent = field.value && words ? words.replace("%{count}", new Intl.NumberFormat(page.lang, { numberingSystem: "latn" }).format(many)) : first;
    shown.classList.toggle("nhsuk-error-message", left < 0);
    clearTimeout(later);
    later = setTimeout(() => (spoken.textContent = shown.textContent), 1000);
  };
  field.addEventListener("input", count);
  if (field.value) count();
}

// A second click while the first is on its way sends nothing (the server takes it for the same one anyway).
const sent = new WeakMap();
addEventListener("submit", (event) => {
  if (Date.now() - sent.get(event.target) < 3000) event.preventDefault();
  else sent.set(event.target, Date.now());
});

// Away at once: nothing stays on the screen while the next page is on its way, and Back does not lead here.
const away = (url) => {
  page.hidden = true;
  location.replace(url);
};
const exit = find(".portal-exit");
if (exit) {
  let times = [];
  exit.addEventListener("click", (event) => {
    event.preventDefault();
    away(exit.href);
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") times = [];
    else if ((times = [...times, Date.now()].slice(-3)).length > 2 && times[2] - times[0] < 5000) away(exit.href);
  });
}

// A page kept by the browser for Back may show what somebody else has typed: ask for it again.
addEventListener("pageshow", (event) => event.persisted && location.replace(location.href));

// Nobody there: warn, then save what is typed and clear the screen.
const minutes = +body.dataset.lockMinutes;
if (minutes) {
  const { lockWarn, stillHere, lockUrl } = body.dataset, whole = minutes * 6e4;
  let last = Date.now(), told = last, bar, before;
  const here = () => {
    last = Date.now();
    if (bar) {
      bar.remove();
      bar = before?.focus();
    }
    // Let the server's own clock start again too, now and then.
    if (stillHere && last - told > whole / 4) {
      told = last;
      const token = find("[name=csrf_token]")?.value ?? "";
      fetch(stillHere, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => {});
    }
  };
  const lock = () => {
    page.hidden = true;
    const form = find("form[data-lock-form]");
    if (!form) return location.replace(lockUrl);
    const go = document.createElement("input");
    go.type = "hidden";
    go.name = "go";
    go.value = "lock";
    form.append(go);
    HTMLFormElement.prototype.submit.call(form);
  };
  const look = () => {
    const idle = Date.now() - last;
    if (idle >= whole) {
      clearInterval(clock);
      lock();
    } else if (idle >= whole - lockWarn * 6e4 && !bar) {
      before = document.activeElement;
      body.append(find("#portal-lock").content.cloneNode(true));
      bar = find(".portal-lock");
      const button = bar.querySelector("button");
      button.addEventListener("click", here);
      button.focus();
    }
  };
  const clock = setInterval(look, 1000);
  for (const sign of ["keydown", "click", "input", "scroll"]) addEventListener(sign, () => bar || here(), { passive: true });
  // A phone that slept has no running clock: look as soon as it wakes.
  document.addEventListener("visibilitychange", look);
}
