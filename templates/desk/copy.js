const copy = document.getElementById('copy'), text = document.getElementById('text'), copied = document.getElementById('copied');
copy.hidden = false;
copy.addEventListener('click', async () => {
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
    copied.textContent = 'Copied.';
  } catch {
    copied.textContent = 'Selected: copy it now.';
  }
});
