"""Words and text: splitting, folding, stemming, comparing. Imports no other package of ours."""
