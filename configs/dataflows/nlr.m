// No local reuse: input channels across the units (C-P)
// for: CONV NGCONV DSCONV TRCONV
//
// The sizes of Y' and X' are 1 in a convolution and a window in a transposed one: see kcp_ws.m.
Dataflow nlr {
	TemporalMap(1,1) K;
	TemporalMap(1+(Sz(Y')-1)/Sz(Y)*(Sz(R)-1),1) Y';
	TemporalMap(1+(Sz(X')-1)/Sz(X)*(Sz(S)-1),1) X';
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
	SpatialMap(1,1) C;
}
