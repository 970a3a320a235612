// Passkeys: hands what the page says to the device, and the device's answer to the form. Words come from the page.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const readOptions = (form) => {
  const asked = JSON.parse(form.dataset.options), publicKey = { ...asked, challenge: bytes(asked.challenge) };
  if (asked.user) publicKey.user = { ...asked.user, id: bytes(asked.user.id) };
  if (asked.excludeCredentials) publicKey.excludeCredentials = named(asked.excludeCredentials);
  if (asked.allowCredentials) publicKey.allowCredentials = named(asked.allowCredentials);
  return { publicKey };
};

const said = ({ id, rawId, type, response, authenticatorAttachment }) => {
  const told = { clientDataJSON: text(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (response[part]) told[part] = text(response[part]);
  if (response.getTransports) told.transports = response.getTransports();
  return { id, rawId: text(rawId), type, authenticatorAttachment, clientExtensionResults: {}, response: told };
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button"), sorry = form.querySelector("[data-sorry]");
  if (!window.PublicKeyCredential) {
    sorry.hidden = false;
    continue;
  }
  form.querySelector("[data-with-passkey]").hidden = false;
  let asking = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (asking) return;
    asking = true;
    sorry.hidden = true;
    try {
      const options = readOptions(form), { credentials } = navigator;
      const made = form.dataset.passkey === "new" ? await credentials.create(options) : await credentials.get(options);
      form.elements.answer.value = JSON.stringify(said(made));
      form.requestSubmit(button);
    } catch {
      sorry.hidden = false;
    }
    asking = false;
  }, true);
}
