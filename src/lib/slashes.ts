// Takes slashes off the ends of paths that users gave. By hand: a pattern like /\/+$/ begins anew at every slash, and a megabyte of them takes hours.

export const withoutTrailingSlashes = (text: string): string => {
  let end = text.length;
  while (end > 0 && text[end - 1] === "/") end--;
  return text.slice(0, end);
};

export const withoutOuterSlashes = (text: string): string => {
  let start = 0;
  while (text[start] === "/") start++;
  return withoutTrailingSlashes(text.slice(start));
};
