// The reader's choice of light or dark, as the other pages keep it.
const choice = localStorage.getItem('vitepress-theme-appearance') ?? 'auto'
document.documentElement.classList.toggle('dark', choice === 'dark' || (choice === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches))
